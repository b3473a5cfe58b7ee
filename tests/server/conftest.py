"""A real server on a free port around a small application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from forebay.server.exchange import Application, Scope
from forebay.server.limits import Limits
from forebay.server.run import Listen, Server, configuration

Receive = Callable[[], Awaitable[dict[str, object]]]
Send = Callable[[dict[str, object]], Awaitable[None]]
Answer = Callable[[Scope, Receive, Send], Awaitable[None]]


class Running:
    """A server that runs in the test's own event loop, and connections to it."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.port = port

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


Serve = Callable[..., contextlib.AbstractAsyncContextManager[Running]]


def _with_lifespan(answer: Answer) -> Application:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await answer(scope, receive, send)
            return
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})

    return application


@pytest.fixture
def serve() -> Serve:
    """How to run a server, as a context: its arguments are an answer and the limits."""

    @contextlib.asynccontextmanager
    async def serving(answer: Answer, limits: Limits | None = None) -> AsyncIterator[Running]:
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        listen = Listen(port=0, shutdown_seconds=1)
        config = configuration(lambda: _with_lifespan(answer), listen, limits or Limits())
        server = Server(config, listening.set_result)
        task = asyncio.create_task(server.serve())
        try:
            address = await asyncio.wait_for(listening, 10)
            yield Running(server, int(address.rpartition(":")[2]))
        finally:
            server.should_exit = True
            await asyncio.wait_for(task, 10)

    return serving


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what was asked."""
    body = (await receive())["body"]
    assert isinstance(body, bytes)
    head = f"{scope['method']} {scope['path']} {len(body)}\n".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": head + body})
