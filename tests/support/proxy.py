"""An HTTP proxy on a real socket that leads every name to one address; for what asks through proxies."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.support.upstream import Asked, Peer, Upstream, upstream


@contextlib.asynccontextmanager
async def tunnels(target: str, refusal: bytes = b"") -> AsyncIterator[Upstream]:
    """A proxy whose tunnels all end at ``target``, or that says ``refusal``."""

    async def answer(asked: Asked, peer: Peer) -> None:
        if refusal or asked.method != "CONNECT":
            await peer.send(refusal)
            return
        host, _, port = target.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await peer.send(b"HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n")
        await asyncio.wait(
            [asyncio.create_task(_pipe(peer.reader, writer)), asyncio.create_task(_pipe(reader, peer.writer))],
            return_when=asyncio.ALL_COMPLETED,
        )

    async with upstream(answer) as proxy:
        yield proxy


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
