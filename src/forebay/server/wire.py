"""The bytes between a socket and an application: request targets, header lines, errors that no application writes."""

import functools

import httptools

from forebay.core.errors import ForebayError
from forebay.server.exchange import STATUS_LINES


@functools.lru_cache(1)
def header_lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """``headers`` as they go over the wire; they change once a second."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def target(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request target; most have the plain form, which needs no parser.

    Raises:
        httptools.HttpParserError: it is none.
    """
    if url.startswith(b"/") and b"#" not in url:
        path, _, query = url.partition(b"?")
        return path, query
    parsed = httptools.parse_url(url)
    return parsed.path or b"/", parsed.query or b""


def rendered(error: ForebayError) -> bytes:
    """A whole answer that tells ``error`` and closes the connection."""
    body = error.body()
    lines = [STATUS_LINES[error.status], b"content-type: application/json\r\nx-content-type-options: nosniff\r\n"]
    lines += (f"{name}: {value}\r\n".encode("latin-1") for name, value in error.headers.items())
    lines += (b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body), body)
    return b"".join(lines)


def cause(error: httptools.HttpParserError) -> str:
    """The parser's own words, without what a callback of ours may have raised."""
    text = str(error)
    return text[:1].lower() + text[1:200] if text else "malformed"
