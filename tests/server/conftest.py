"""A real server on a free port around a small application."""

import contextlib
from collections.abc import Awaitable, Callable

import pytest

from forebay.server.exchange import Application, Scope
from forebay.server.limits import Limits
from tests.support.serving import Running, serving

Receive = Callable[[], Awaitable[dict[str, object]]]
Send = Callable[[dict[str, object]], Awaitable[None]]
Answer = Callable[[Scope, Receive, Send], Awaitable[None]]
Serve = Callable[..., contextlib.AbstractAsyncContextManager[Running]]


def with_lifespan(answer: Answer) -> Application:
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

    def serve(answer: Answer, limits: Limits | None = None) -> contextlib.AbstractAsyncContextManager[Running]:
        return serving(with_lifespan(answer), limits)

    return serve


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what was asked."""
    body = (await receive())["body"]
    assert isinstance(body, bytes)
    head = f"{scope['method']} {scope['path']} {len(body)}\n".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": head + body})
