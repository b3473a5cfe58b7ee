"""An upstream on a real socket that does what a test says, byte by byte; for what asks upstreams."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

TLS = Path(__file__).parent / "tls"
HOST = "127.0.0.1"


class Asked:
    """A request as it arrived."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.head = head
        self.body = body
        line, *fields = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = line.split(" ")
        pairs = [field.partition(":")[::2] for field in fields if field]
        self.headers: Mapping[str, str] = {name.lower(): value.strip() for name, value in pairs}


class Peer:
    """The upstream's end of a connection."""

    def __init__(self, upstream: "Upstream", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.upstream = upstream
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes, pause: float = 0.0) -> None:
        """Send ``pieces``, each on its own; with a pause they arrive one by one."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(pause)

    async def until_left(self) -> None:
        """Wait for the client to go."""
        while await self.reader.read(65536):
            pass
        self.upstream.left.set()

    def reset(self) -> None:
        """Close as a crash does: whatever is on its way is lost."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Answer = Callable[[Asked, Peer], Awaitable[None]]


class Upstream:
    """Answers every request with ``answer``, which may be changed at any time; bytes are sent as they are."""

    def __init__(self, answer: Answer | bytes) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.accepted = 0
        self.most = 0
        self.left = asyncio.Event()
        self.address = ""
        self.listening: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://{self.address}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.accepted += 1
        self.most = max(self.most, len(self._open))
        try:
            await self._converse(Peer(self, reader, writer))
        except (OSError, RuntimeError, asyncio.IncompleteReadError):  # uvloop raises RuntimeError on closed sockets
            self.left.set()
        except asyncio.CancelledError:  # the test is over
            pass
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def _converse(self, peer: Peer) -> None:
        while not peer.writer.is_closing():
            head = (await peer.reader.readuntil(b"\r\n\r\n"))[:-4]
            asked = Asked(head, b"")
            asked.body = await peer.reader.readexactly(int(asked.headers.get("content-length", 0)))
            self.asked.append(asked)
            if isinstance(self.answer, bytes):
                await peer.send(self.answer)
            else:
                await self.answer(asked, peer)

    async def aclose(self) -> None:
        if self.listening is not None:
            self.listening.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


@contextlib.asynccontextmanager
async def upstream(
    answer: Answer | bytes = b"", *, path: Path | None = None, tls: bool = False
) -> AsyncIterator[Upstream]:
    """An upstream that lives as long as the context: on a free port, or a unix socket at ``path``."""
    running = Upstream(answer)
    if path is not None:
        server: asyncio.Server = await asyncio.start_unix_server(running.serve, path)
    else:
        server = await asyncio.start_server(running.serve, HOST, 0, ssl=server_context() if tls else None)
        running.address = f"{HOST}:{server.sockets[0].getsockname()[1]}"
    running.listening = server
    try:
        yield running
    finally:
        await running.aclose()


def server_context() -> ssl.SSLContext:
    """TLS for ``upstream.test``, ``localhost`` and 127.0.0.1, signed by the authority in ``tls/ca.pem``."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TLS / "server.pem")
    return context


def reply(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A reply of known length."""
    lines = (b"HTTP/1.1 " + status, *headers, b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(*chunks: bytes, end: bool = True) -> bytes:
    """A reply in chunks, each of the given bytes; without ``end`` it is cut."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(map(chunk, chunks)) + (chunk(b"") if end else b"")


def chunk(data: bytes) -> bytes:
    """One chunk; the empty one is the last."""
    return b"%x\r\n%b\r\n" % (len(data), data)
