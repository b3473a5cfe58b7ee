"""Base URLs: where requests go, and what stands before every path.

https://api.example.com/v1           TLS
http://localhost:8000/v1             plain
https://x.example/v1?api-version=2   a query that every request carries
unix:/run/forebay/engine.sock:/v1    a socket on this host; the part after the second colon is the path
"""

import re
import urllib.parse
from typing import Self

import msgspec

from forebay.providers.transport.errors import UnsendableError

PORTS = {"http": 80, "https": 443}

_PATH = re.compile(r"(?:/[!-~]*)?")
_QUERY = re.compile(r"[!-~]*")


class BaseUrl(msgspec.Struct, frozen=True):
    """A base URL in its parts; ``socket`` is the path of a unix socket, or empty."""

    scheme: str
    host: str
    port: int
    prefix: str
    query: str = ""
    socket: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """The parts of ``text``.

        Raises:
            UnsendableError: it is no base URL; the message says why.
        """
        if text.startswith("unix:"):
            return cls._of_socket(text)
        try:
            parts = urllib.parse.urlsplit(text)
            scheme, host, port = parts.scheme, parts.hostname or "", parts.port
        except ValueError as error:
            raise UnsendableError(f"'{_safe(text)}' is not a URL: {error}") from None
        if scheme not in PORTS or not host:
            raise UnsendableError(f"'{_safe(text)}' must start with http://, https:// or unix:/")
        if parts.username is not None or parts.fragment:
            raise UnsendableError(f"the base URL of {_safe(host)} may hold neither credentials nor a fragment")
        return cls(scheme, _ascii_host(host), port or PORTS[scheme], *_target(parts.path, parts.query))

    @classmethod
    def _of_socket(cls, text: str) -> Self:
        socket, _, path = text.removeprefix("unix:").partition(":")
        if not socket.startswith("/") or "\0" in socket:
            raise UnsendableError(f"'{_safe(text)}' must name a socket by its absolute path, as unix:/path.sock:/v1")
        return cls("unix", "localhost", 0, *_target(path, ""), socket)

    @property
    def tls(self) -> bool:
        """Whether the upstream is spoken to in TLS."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """``host:port`` for a ``CONNECT``."""
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def host_header(self) -> str:
        """The value of ``Host``: the port only where it is not the scheme's own."""
        return _bracketed(self.host) if self.port == PORTS.get(self.scheme, 0) else self.authority

    def target(self, path: str) -> str:
        """The request target of ``path``, which is relative to the base and may have a query of its own."""
        if not self.query:
            return self.prefix + path
        return f"{self.prefix}{path}{'&' if '?' in path else '?'}{self.query}"


def _target(path: str, query: str) -> tuple[str, str]:
    prefix = path.rstrip("/")
    if not _PATH.fullmatch(prefix) or not _QUERY.fullmatch(query):
        raise UnsendableError(f"the path of a base URL must be plain ASCII that starts with '/', not '{_safe(path)}'")
    return prefix, query


def _ascii_host(host: str) -> str:
    try:
        name = host if ":" in host else host.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not re.fullmatch(r"[A-Za-z0-9._:%-]+", name):
        raise UnsendableError(f"'{_safe(host)}' is not the name of a host")
    return name


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _safe(text: str) -> str:
    """``text`` fit for a message: no credentials, no control characters."""
    return ascii(re.sub(r"//[^/]*@", "//…@", text))[1:-1][:200]
