"""Runs an ASGI application on the real server, in the test's own event loop, on a free port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from forebay.server.exchange import Application
from forebay.server.limits import Limits
from forebay.server.run import Listen, Server, configuration
from forebay.server.tls import Certificate


class Running:
    """A running server, and connections to it."""

    def __init__(self, server: Server, address: str) -> None:
        self.server = server
        self.port = int(address.rpartition(":")[2])
        self._scheme = address.partition(":")[0]

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def exchange(self, *pieces: bytes) -> bytes:
        """Everything the server says to ``pieces``, until it closes."""
        reader, writer = await self.connect()
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        answer = await asyncio.wait_for(reader.read(-1), 10)
        writer.close()
        return answer

    @property
    def open_connections(self) -> int:
        return len(self.server.server_state.connections)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110  # what is waited for has no event
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def serving(
    application: Application, limits: Limits | None = None, certificate: Certificate | None = None, port: int = 0
) -> AsyncIterator[Running]:
    """A server around ``application`` that lives as long as the context."""
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    config = configuration(
        lambda: application, Listen(port=port, shutdown_seconds=1, certificate=certificate), limits or Limits()
    )
    server = Server(config, listening.set_result)
    task = asyncio.create_task(server.serve())
    try:
        address = await asyncio.wait_for(listening, 10)
        yield Running(server, address)
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 10)
