"""Hands what a gateway asks over a Unix socket on to an engine replica, which Serve's handle chooses.

To the gateway it is the host's engine process (docs/adr/0005). What cannot be handed on is a 503, after which the
gateway asks again; what breaks off within an answer is broken off here as well, so that nobody takes it for whole.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from forebay.api.http import JSON, Headers, Receive, Scope, Send, send_body
from forebay.core.errors import ForebayError, UnavailableError
from forebay.rayserve.asked import Asked, Head, asked

READY: Final = "/ready"
EVERYWHERE: Final = frozenset({"/v1/load_lora_adapter", "/v1/unload_lora_adapter"})
"""What all replicas have to know."""

TELL_SECONDS: Final = 300.0
UNREACHABLE: Final = (RayError, RayServeException, ForebayError, TimeoutError)
OK: Final = 200
_WELL: Final = b'{"status":"ok"}'
_LENGTH: Final = b"content-length"


class Handle(Protocol):
    """As much of `ray.serve.handle.DeploymentHandle` as is used."""

    def options(self, **options: Any) -> Any:  # noqa: ANN401  # another handle
        """The same handle for a certain way of asking."""
        ...

    def broadcast(self, method_name: str, *arguments: Any) -> Any:  # noqa: ANN401  # Ray's
        """Call a method of all replicas."""
        ...


class Bridge:
    """An ASGI application."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._asking = handle.options(method_name="ask", stream=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; when it is cancelled, so is the engine's work."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["path"] == READY:  # of replicas that cannot answer Serve makes new ones, and lets requests wait
            await send_body(send, OK, [JSON], _WELL)
        else:
            request = asked(scope, (await receive()).get("body", b""))
            await (self._tell if request.path in EVERYWHERE else self._ask)(request, send)

    async def _ask(self, request: Asked, send: Send) -> None:
        async with self._answer(request) as answer:
            try:
                head = await anext(answer)
            except UNREACHABLE:
                await _refuse(send, "No engine could answer: try again.")
                return
            await send({"type": "http.response.start", "status": head.status, "headers": head.headers})
            async for piece in answer:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    @contextlib.asynccontextmanager
    async def _answer(self, request: Asked) -> AsyncIterator[AsyncIterator[Any]]:
        response = self._asking.options(multiplexed_model_id=request.adapter).remote(request)
        try:
            yield aiter(response)
        finally:
            response.cancel()

    async def _tell(self, request: Asked, send: Send) -> None:
        """Ask all replicas; the first refusal is the answer, if there is one."""
        try:
            told = await self._handle.broadcast("tell", request).results_async(timeout_s=TELL_SECONDS)
        except UNREACHABLE:
            await _refuse(send, "Not all engines could be asked: try again.")
            return
        answers: list[tuple[Head, bytes]] = sorted(told, key=lambda each: each[0].status == OK)
        if not answers:
            await _refuse(send, "There is no engine yet: try again.")
            return
        head, body = answers[0]
        await send_body(send, head.status, _without_length(head.headers), body)


async def _refuse(send: Send, why: str) -> None:
    error = UnavailableError(why)
    await send_body(send, error.status, [JSON], error.body())


def _without_length(headers: Headers) -> Headers:
    return [(name, value) for name, value in headers if name != _LENGTH]


async def _live(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
