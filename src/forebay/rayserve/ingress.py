"""What our own server does for an application and Serve's proxy does not: whole and bounded bodies, and a header."""

import secrets
from typing import Final

from forebay.api.forms import FORMS
from forebay.api.http import Message, Receive, Scope, Send, openai_form, send_error
from forebay.core.errors import PayloadTooLargeError
from forebay.server.exchange import EVERYWHERE, Application

NO_SNIFFING: Final = (EVERYWHERE, b"nosniff")


class Ingress:
    """An ASGI application around ``application``, which takes no body of more than ``limit`` bytes."""

    def __init__(self, application: Application, limit: int) -> None:
        self._application = application
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, once it has arrived."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        send = _Guarded(send)
        body = await _body(receive, self._limit)
        if body is None:
            error = PayloadTooLargeError(
                f"The body is larger than this server's limit of {self._limit} bytes; 'server.body_limit' sets it."
            )
            await send_error(send, error, f"req_{secrets.token_hex(10)}", FORMS.get(scope["path"], openai_form))
            return
        await self._application(scope, _Whole(body, receive), send)


class _Guarded:
    """Says of every answer that it is nothing but what it says it is."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", [])
            if all(name != EVERYWHERE for name, _ in headers):
                message = {**message, "headers": [*headers, NO_SNIFFING]}
        await self._send(message)


class _Whole:
    """The body in one message, then whatever else there is to receive."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        body, self._body = self._body, None
        if body is None:
            return await self._receive()
        return {"type": "http.request", "body": body, "more_body": False}


async def _body(receive: Receive, limit: int) -> bytes | None:
    """All of it, ``None`` if it is too large; half of one, whose client has left, is as good as none."""
    pieces: list[bytes] = []
    size = 0
    while size <= limit:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if not message.get("more_body", False):
            return b"".join(pieces) if size <= limit else None
    return None
