"""The few things every endpoint does with ASGI: read a header, send a body, send an error."""

import functools
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import msgspec

from forebay.core.errors import ForebayError, PermissionDeniedError, UnsupportedMediaTypeError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
Endpoint = Callable[[Scope, Receive, Send, str], Awaitable[None]]
ErrorForm = Callable[[ForebayError, str], tuple[int, Headers, bytes]]
"""Status, headers and body of the response that tells an error of the request with that id."""

JSON = (b"content-type", b"application/json")
TEXT = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
TEXT_PLAIN = (b"content-type", b"text/plain; charset=utf-8")


def header(scope: Scope, name: bytes) -> str | None:
    """The first value of the header ``name`` (lower case), or ``None``."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


def require_json(content_type: str | None) -> None:
    """Refuse what a web page of another origin could send without asking first (a "simple request" of CORS).

    Raises:
        UnsupportedMediaTypeError: the body is not said to be JSON.
    """
    if content_type is None or "json" not in content_type.lower():
        raise UnsupportedMediaTypeError("Send the body as JSON, with 'content-type: application/json'.")


def refuse_other_origins(scope: Scope, authorization: str | None) -> None:
    """Refuse what a page of another origin sends without a key, where `require_json` cannot: a form, or no body at all.

    A browser asks no leave for these, but says whose page it is. A key is nothing that it would add by itself.

    Raises:
        PermissionDeniedError: the page is not this server's.
    """
    origin = header(scope, b"origin")
    if authorization is None and origin is not None and origin.partition("://")[2] != header(scope, b"host"):
        raise PermissionDeniedError("A page of another origin may not send this without a key.")


async def send_body(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """A whole response."""
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_json(send: Send, request_id: str, body: object, status: int = 200) -> None:
    """``body`` as JSON; it is for whoever asked, so nothing on the way may keep it."""
    headers = [JSON, (b"cache-control", b"no-store"), (b"x-request-id", request_id.encode())]
    await send_body(send, status, headers, msgspec.json.encode(body))


def openai_form(error: ForebayError, request_id: str) -> tuple[int, Headers, bytes]:
    """``error`` as OpenAI's clients know it."""
    return error.status, [(b"x-request-id", request_id.encode())], error.body()


async def send_error(send: Send, error: ForebayError, request_id: str, form: ErrorForm = openai_form) -> None:
    """``error`` in the form that the client knows."""
    status, headers, body = form(error, request_id)
    await send_body(send, status, [JSON, *headers, *encoded(error.headers.items())], body)


def encoded(headers: Iterable[tuple[str, str]]) -> Headers:
    """Header names and values as ASGI wants them."""
    return [(name.encode("latin-1"), printable(value)) for name, value in headers]


@functools.lru_cache(1024)
def printable(value: str) -> bytes:
    """``value`` as a header may hold it: what is not printable ASCII, a line break first of all, becomes ``?``."""
    if value.isascii() and value.isprintable():
        return value.encode()
    return "".join(each if each.isascii() and each.isprintable() else "?" for each in value).encode()
