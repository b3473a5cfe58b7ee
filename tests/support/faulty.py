"""A real upstream on a real socket that answers exactly the bytes a test tells it to, however wrong they are."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Sequence

PAUSE = None
"""In a script: wait until the other side has gone."""

RESET = "reset"
"""In a script: close as a crash does."""

Script = Sequence[bytes | float | str | None]

CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


def whole(body: bytes, status: int = 200, *headers: str, kind: str = "application/json") -> bytes:
    """A reply in one piece."""
    lines = [f"HTTP/1.1 {status} X", f"content-type: {kind}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunk(data: bytes) -> bytes:
    """A chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Upstream:
    """Takes requests and answers each with the next script, the last one over and over."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._scripts = list(scripts)
        self.requests: list[bytes] = []
        self.open = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.open += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self.open -= 1
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        self.requests.append(head + await reader.readexactly(length))
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        for step in script:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif isinstance(step, str):  # RESET
                reset(writer)
            elif step is None:
                await reader.read(1)
                return False
            else:
                await asyncio.sleep(step)
        return not any(isinstance(step, bytes) and b"connection: close" in step for step in script) and _ended(script)


def reset(writer: asyncio.StreamWriter) -> None:
    """Whatever is on its way is lost."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _ended(script: Script) -> bool:
    last = script[-1] if script else b""
    return isinstance(last, bytes) and (last.endswith(LAST_CHUNK) or b"content-length" in last)


@contextlib.asynccontextmanager
async def upstream(*scripts: Script) -> AsyncIterator[Upstream]:
    """An upstream on a free port."""
    found = Upstream(scripts)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield found
        server.close()
        async with asyncio.timeout(5):
            while found.open:  # noqa: ASYNC110  # connections end when the other side closes them
                await asyncio.sleep(0.01)
