"""What travels between a gateway and an engine: a request as ASGI has it, and its answer as a head and pieces."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Final

import msgspec

from forebay.api.http import Headers, Message, Scope
from forebay.core.decode import MALFORMED
from forebay.core.errors import ServerError
from forebay.core.types import ADAPTER_MARK
from forebay.server.exchange import Application

PIECE_BYTES: Final = 1024 * 1024
_LOCAL: Final = (b"host", b"localhost")
_OWN: Final = frozenset({b"host", b"connection"})


class Asked(msgspec.Struct, frozen=True):
    """A whole request."""

    method: str
    path: str
    query: bytes
    headers: Headers
    body: bytes

    @property
    def model(self) -> str:
        """The model that it names; empty if it names none."""
        try:
            return msgspec.json.decode(self.body, type=Named).model
        except MALFORMED:
            return ""

    @property
    def adapter(self) -> str:
        """The model with its LoRA adapter, if it names one; else empty."""
        model = self.model
        return model if ADAPTER_MARK in model else ""


class Named(msgspec.Struct):
    """As much of a body as says whom it is for."""

    model: str = ""


class Head(msgspec.Struct, frozen=True):
    """How an answer begins."""

    status: int
    headers: Headers


def asked(scope: Scope, body: bytes) -> Asked:
    """The request of ``scope``; names and connections of one hop are left behind."""
    headers = [(name, value) for name, value in scope["headers"] if name not in _OWN]
    return Asked(scope["method"], scope["path"], scope["query_string"], headers, body)


async def answered(application: Application, request: Asked) -> AsyncGenerator[Head | bytes, None]:
    """What ``application`` answers: the head, then the body in whatever pieces there are when the next is asked for.

    Closing it cancels the application's work.

    Raises:
        ServerError: it ended without an answer, or within it.
    """
    answer = _Answer()
    working = asyncio.create_task(application(_scope(request), _Receive(request.body), answer.send))
    working.add_done_callback(answer.end)
    try:
        yield await answer.head
        while piece := await answer.body.read(PIECE_BYTES):
            yield piece
        if not answer.whole:
            raise ServerError("The engine broke off its answer.")
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


class _Answer:
    def __init__(self) -> None:
        self.head: asyncio.Future[Head] = asyncio.get_running_loop().create_future()
        self.body = asyncio.StreamReader()
        self.whole = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.head.set_result(Head(message["status"], list(message["headers"])))
            return
        self.body.feed_data(message.get("body", b""))
        self.whole = not message.get("more_body", False)

    def end(self, _working: object) -> None:
        self.body.feed_eof()
        if not self.head.done():
            self.head.set_exception(ServerError("The engine did not answer."))


class _Receive:
    """The body, and then nothing for ever: who leaves cancels the work instead."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body

    async def __call__(self) -> Message:
        body, self._body = self._body, None
        if body is None:
            await asyncio.get_running_loop().create_future()
        return {"type": "http.request", "body": body, "more_body": False}


def _scope(request: Asked) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query,
        "root_path": "",
        "headers": [_LOCAL, *request.headers],
        "client": None,
        "server": None,
        "state": {},
    }
