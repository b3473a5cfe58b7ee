"""Serves the web app's files to browsers: `Pages` is an ASGI application and knows every path it answers.

The files are read once, when `Pages` is made, so a request never touches the disk and no path can lead out of the
table. The page itself is asked for each time (``ETag``, 304); what it loads stands below ``/assets/`` and a hash of all
of it, so browsers may keep it for ever, and modules that import each other by relative paths are always of one version.
"""

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

import msgspec

from forebay.core.errors import MethodNotAllowedError, NotFoundError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

METHODS = ("GET", "HEAD")
CONTENT_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
PAGE = "index.html"
DASHBOARD = "dashboard.html"
ICON = "icon.svg"
# What a page writes where its files' folder is to stand.
PLACEHOLDER = b"{{assets}}"
LEVEL = 6

# Everything comes from this server, nothing is inline, and text becomes HTML through DOMPurify only.
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
        "trusted-types dompurify",
    )
)

GUARDS: Headers = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
ASK_EACH_TIME: Headers = ((b"cache-control", b"no-cache"),)
KEEP: Headers = ((b"cache-control", b"public, max-age=31536000, immutable"),)


class Page(msgspec.Struct, frozen=True):
    """One file as it is sent: plain and compressed, the tag that changes with it, the headers for 200 and 304 alike."""

    body: bytes
    compressed: bytes
    etag: bytes
    content_type: bytes
    headers: Headers


def bundled() -> Mapping[str, bytes]:
    """Every file of the web app by its path below ``files/``."""
    return dict(sorted(_below(files("forebay.web").joinpath("files"), "")))


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.read_bytes()


def version(found: Mapping[str, bytes]) -> str:
    """Changes with any of the files."""
    whole = hashlib.sha256()
    for name, body in found.items():
        whole.update(b"%s\0%d\0%s" % (name.encode(), len(body), body))
    return whole.hexdigest()[:16]


def _page(name: str, body: bytes, caching: Headers) -> Page:
    etag = b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode()
    headers = ((b"etag", etag), (b"vary", b"accept-encoding"), *caching, *GUARDS)
    content_type = CONTENT_TYPES[name.rpartition(".")[2]].encode()
    return Page(body, gzip.compress(body, LEVEL, mtime=0), etag, content_type, headers)


def _pages() -> dict[str, Page]:
    found = bundled()
    folder = f"assets/{version(found)}"
    index, dashboard = (_shell(found[name], folder) for name in (PAGE, DASHBOARD))
    assets = found.keys() - {PAGE, DASHBOARD}
    return {
        "/": index,
        f"/{PAGE}": index,
        "/dashboard": dashboard,
        f"/{ICON}": _page(ICON, found[ICON], ASK_EACH_TIME),
        **{f"/{folder}/{name}": _page(name, found[name], KEEP) for name in sorted(assets)},
    }


def _shell(body: bytes, folder: str) -> Page:
    return _page(PAGE, body.replace(PLACEHOLDER, folder.encode()), ASK_EACH_TIME)


class Pages:
    """The chat at ``/``, the dashboard at ``/dashboard`` and the files that they load."""

    def __init__(self) -> None:
        self._pages = _pages()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that is answered."""
        return tuple(self._pages)

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
        body = page.body
        if _takes_gzip(scope["headers"]):
            body, headers = page.compressed, ((b"content-encoding", b"gzip"), *headers)
        head = ((b"content-type", page.content_type), (b"content-length", b"%d" % len(body)), *headers)
        await _send(send, 200, head, b"" if scope["method"] == "HEAD" else body)


def _unchanged(headers: Iterable[tuple[bytes, bytes]], etag: bytes) -> bool:
    """Whether ``If-None-Match`` names ``etag`` (RFC 9110, section 13.1.2: the comparison is weak)."""
    known = b",".join(value for name, value in headers if name == b"if-none-match")
    return any(tag.strip().removeprefix(b"W/") in {etag, b"*"} for tag in known.split(b","))


def _takes_gzip(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether ``Accept-Encoding`` allows gzip (RFC 9110, section 12.5.3); a weight of zero forbids it."""
    for name, value in headers:
        if name == b"accept-encoding":
            for coding in value.lower().split(b","):
                token, _, weight = coding.partition(b";")
                if token.strip() == b"gzip":
                    return weight.replace(b" ", b"").rstrip(b"0.") not in {b"q=", b"q"}
    return False


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
