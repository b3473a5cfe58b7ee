"""Which proxy stands between, by the variables that curl, Go and requests read as well.

``HTTPS_PROXY`` and ``HTTP_PROXY`` by the upstream's scheme, else ``ALL_PROXY``; the lower-case name wins. ``NO_PROXY``
lists, separated by commas, hosts (their subdomains included), addresses, networks (``10.0.0.0/8``), each with or
without ``:port``, or ``*``. This machine itself and unix sockets are never reached by a proxy.
"""

import base64
import ipaddress
import urllib.parse
from collections.abc import Mapping
from typing import Self

import msgspec

from forebay.providers.transport.errors import UnsendableError
from forebay.providers.transport.url import BaseUrl

DEFAULT_PORTS = {"http": 80, "https": 443}


class Proxy(msgspec.Struct, frozen=True):
    """An HTTP proxy; ``authorization`` is the value of ``Proxy-Authorization``, or empty."""

    host: str
    port: int
    tls: bool = False
    authorization: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """The proxy at the URL ``text``; without a scheme it is ``http://``.

        Raises:
            UnsendableError: it is not the URL of an HTTP proxy. The message leaves out what may be a password.
        """
        try:
            parts = urllib.parse.urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname, parts.port
        except ValueError:
            raise UnsendableError("the proxy's URL is malformed") from None
        if parts.scheme not in DEFAULT_PORTS or not host:
            raise UnsendableError(f"a proxy's URL must start with http:// or https://, not '{parts.scheme[:20]}://'")
        return cls(host, port or DEFAULT_PORTS[parts.scheme], parts.scheme == "https", _basic(parts))


def proxy_for(url: BaseUrl, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy to reach ``url`` by, if ``environ`` names one.

    Raises:
        UnsendableError: what it names is no HTTP proxy.
    """
    if url.socket or _is_local(url.host):
        return None
    text = _variable(environ, f"{url.scheme}_proxy") or _variable(environ, "all_proxy")
    if not text or _excluded(url, _variable(environ, "no_proxy")):
        return None
    return Proxy.of(text)


def _variable(environ: Mapping[str, str], name: str) -> str:
    """The variable in either case; a CGI program must not read HTTP_PROXY, which a client can set (httpoxy)."""
    if name in environ:
        return environ[name].strip()
    if name == "http_proxy" and "REQUEST_METHOD" in environ:
        return ""
    return environ.get(name.upper(), "").strip()


def _basic(parts: urllib.parse.SplitResult) -> str:
    if parts.username is None:
        return ""
    pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _is_local(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)


def _excluded(url: BaseUrl, no_proxy: str) -> bool:
    return any(_matches(url, pattern.strip().lower()) for pattern in no_proxy.split(","))


def _matches(url: BaseUrl, pattern: str) -> bool:
    host = url.host.lower()
    if pattern in {"*", host, f"[{host}]"}:
        return True
    if "/" in pattern:
        return _in_network(host, pattern)
    name, colon, port = pattern.rpartition(":")
    if colon and port.isdigit() and name.count(":") in {0, name.count("[") * name.count(":")}:
        return int(port) == url.port and _matches(url, name)
    suffix = pattern.removeprefix("*").lstrip(".")
    return bool(suffix) and (host == suffix or host.endswith(f".{suffix}"))


def _in_network(host: str, pattern: str) -> bool:
    address = _address(host)
    try:
        return address is not None and address in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
