"""Request lines and header fields, checked before a byte of them leaves.

Source: RFC 9110, section 5.5 (field values) and 5.6.2 (tokens); RFC 9112, section 3.2 (request target).
"""

import functools
import re
from collections.abc import Iterable

from forebay.providers.transport.errors import UnsendableError

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(rb"(?:http://[!-~]+|/[!-~]*)")

# The framing of a request, and of what comes back, is this client's own business.
RESERVED = frozenset(
    {
        b"accept-encoding",
        b"connection",
        b"content-length",
        b"expect",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)


def request_line(method: bytes, target: bytes) -> bytes:
    """The first line of a request.

    Raises:
        UnsendableError: a method or target that HTTP does not allow.
    """
    if not _TOKEN.fullmatch(method) or not _TARGET.fullmatch(target):
        raise UnsendableError(f"not a request line: {method[:40]!r} {target[:80]!r}")
    return b"%b %b HTTP/1.1\r\n" % (method, target)


def fields(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Header fields as they are sent.

    Raises:
        UnsendableError: a name that is no token, a value with a control character, a field that is ours to set.
    """
    return b"".join([_field(name, value) for name, value in headers])


def _field(name: bytes, value: bytes) -> bytes:
    start = _start(name)
    if not _VALUE.fullmatch(value):
        raise UnsendableError(f"the header {name[:40]!r} holds characters that HTTP does not allow")
    return b"%b%b\r\n" % (start, value)


@functools.lru_cache(256)
def _start(name: bytes) -> bytes:
    if not _TOKEN.fullmatch(name):
        raise UnsendableError(f"{name[:40]!r} is not the name of a header")
    if name.lower() in RESERVED:
        raise UnsendableError(f"the header {name.decode()} is set by the client itself")
    return name + b": "
