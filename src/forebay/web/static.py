"""Serves the page's few files to browsers: `Pages` is an ASGI application and knows every path it answers.

The files are read once, when `Pages` is made, so a request never touches the disk and no path can lead out of the
table. Their URLs carry no version, so browsers keep them but ask each time (``ETag``, 304).
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from importlib.resources import files
from typing import Any

import msgspec

from forebay.core.errors import MethodNotAllowedError, NotFoundError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

METHODS = ("GET", "HEAD")

# Path, file below `files/`, content type.
FILES = (
    ("/", "index.html", "text/html; charset=utf-8"),
    ("/index.html", "index.html", "text/html; charset=utf-8"),
    ("/app.js", "app.js", "text/javascript; charset=utf-8"),
    ("/api.js", "api.js", "text/javascript; charset=utf-8"),
    ("/style.css", "style.css", "text/css; charset=utf-8"),
    ("/icon.svg", "icon.svg", "image/svg+xml"),
)

# Everything comes from this server, nothing is inline, and the page's scripts may only write text.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

GUARDS: Headers = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Page(msgspec.Struct, frozen=True):
    """One file as it is sent: its bytes, the tag that changes with them, and the headers for 200 and 304 alike."""

    body: bytes
    etag: bytes
    content_type: bytes
    headers: Headers


def _page(name: str, content_type: str) -> Page:
    body = files("forebay.web").joinpath("files", name).read_bytes()
    etag = b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode()
    return Page(body, etag, content_type.encode(), ((b"etag", etag), (b"cache-control", b"no-cache"), *GUARDS))


class Pages:
    """The page at ``/`` and the files it loads."""

    def __init__(self) -> None:
        self._pages = {path: _page(name, content_type) for path, name, content_type in FILES}

    def find(self, path: str) -> Page | None:
        """The page at exactly ``path``, or nothing."""
        return self._pages.get(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str = "") -> None:  # noqa: ARG002  # ASGI
        """Answer one HTTP request; with ``request_id`` it is an endpoint of the API's application.

        Raises:
            NotFoundError: nothing is at that path.
            MethodNotAllowedError: it is neither GET nor HEAD.
        """
        page = self.find(scope["path"])
        if page is None:
            raise NotFoundError(f"There is no {scope['path']}.")
        if scope["method"] not in METHODS:
            allowed = ", ".join(METHODS)
            raise MethodNotAllowedError("This page can only be read.", headers={"allow": allowed})
        headers = (*page.headers, (b"x-request-id", request_id.encode())) if request_id else page.headers
        if _unchanged(scope["headers"], page.etag):
            await _send(send, 304, headers, b"")
            return
        length = b"%d" % len(page.body)
        body = b"" if scope["method"] == "HEAD" else page.body
        await _send(send, 200, ((b"content-type", page.content_type), (b"content-length", length), *headers), body)


def _unchanged(headers: Iterable[tuple[bytes, bytes]], etag: bytes) -> bool:
    """Whether ``If-None-Match`` names ``etag`` (RFC 9110, section 13.1.2: the comparison is weak)."""
    known = b",".join(value for name, value in headers if name == b"if-none-match")
    return any(tag.strip().removeprefix(b"W/") in {etag, b"*"} for tag in known.split(b","))


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
