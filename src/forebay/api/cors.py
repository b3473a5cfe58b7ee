"""Lets web pages of other origins ask, where the configuration names them; otherwise no answer says a word of it.

Nothing here goes by cookies, so credentials are never allowed: a page sends a key that it has been given. Source: the
Fetch standard, "CORS protocol".
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from forebay.api.http import Headers, Message, Receive, Scope, Send, header

ANY: Final = "*"
METHODS: Final = b"GET, HEAD, POST, PUT, DELETE"
ASKED: Final = b"access-control-request-headers"
SECONDS: Final = b"600"
LONGEST: Final = 1000
_TOKENS: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_, ")

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Cors:
    """An ``application`` that pages of these ``origins`` may ask; all of them, if one is ``*``."""

    def __init__(self, application: Application, origins: Sequence[str]) -> None:
        self._application = application
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's entry."""
        origin = header(scope, b"origin") if scope["type"] == "http" else None
        if origin is None:
            await self._application(scope, receive, send)
        elif scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method") is not None:
            await self._answer_preflight(scope, origin, send)
        else:
            await self._application(scope, receive, self._told(origin, send))

    def _allowed(self, origin: str) -> Headers:
        """Caches in between are to keep apart what is said to one origin and to another."""
        if ANY in self._origins:
            return [(b"access-control-allow-origin", b"*")]
        if origin in self._origins:
            return [(b"access-control-allow-origin", origin.encode()), (b"vary", b"origin")]
        return [(b"vary", b"origin")]

    async def _answer_preflight(self, scope: Scope, origin: str, send: Send) -> None:
        """Whether the page may send what it wants to; the endpoint itself is not asked."""
        headers = self._allowed(origin)
        if headers[0][0] == b"access-control-allow-origin":
            headers += [(b"access-control-allow-methods", METHODS), (b"access-control-max-age", SECONDS)]
            headers += [(b"access-control-allow-headers", asked)] if (asked := _asked(scope)) else []
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _told(self, origin: str, send: Send) -> Send:
        allowed = [*self._allowed(origin), (b"access-control-expose-headers", b"*")]

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *allowed]}
            await send(message)

        return told


def _asked(scope: Scope) -> bytes:
    """The headers that the page would send; whatever they are, our endpoints decide what they mean."""
    found = next((value for name, value in scope["headers"] if name == ASKED), b"")
    return found if len(found) <= LONGEST and _TOKENS.issuperset(found) else b""
