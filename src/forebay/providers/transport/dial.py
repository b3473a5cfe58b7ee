"""How a socket is opened: names and addresses, proxies, TLS.

uvloop tries the addresses of a name one after the other, each for as long as the kernel likes; here they race as RFC
8305 ("Happy Eyeballs") says, so that a broken IPv6 route costs a quarter of a second and not two minutes.
"""

import asyncio
import functools
import itertools
import re
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from forebay.providers.transport.errors import ProxyError
from forebay.providers.transport.head import fields
from forebay.providers.transport.proxy import Proxy
from forebay.providers.transport.url import BaseUrl

STAGGER_SECONDS = 0.25
TUNNEL_HEAD_BYTES = 16 * 1024

# A connection that waits minutes for a first token must outlive the NAT on its way.
KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}

AddressInfo = tuple[Any, Any, int, str, Any]
P = TypeVar("P", bound=asyncio.Protocol)

_TUNNEL_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")


@functools.cache
def default_context() -> ssl.SSLContext:
    """Certificates and names are verified, against the system's authorities or those in ``SSL_CERT_FILE``."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


async def dial(
    loop: asyncio.AbstractEventLoop,
    url: BaseUrl,
    proxy: Proxy | None,
    context: ssl.SSLContext | None,
    factory: Callable[[], P],
) -> P:
    """A protocol made by ``factory`` on an open connection to ``url``; ``context`` is for TLS to the upstream.

    Raises:
        OSError: no connection.
        ProxyError: the proxy would not.
    """
    if url.socket:
        return (await loop.create_unix_connection(factory, url.socket))[1]
    nearest = proxy or url
    sock = await _connected(loop, nearest.host, nearest.port)
    if not nearest.tls and context is None:
        return (await loop.create_connection(factory, sock=sock))[1]
    transport: asyncio.Transport
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=sock)
    try:
        if proxy is not None and proxy.tls:
            transport = await _secured(loop, transport, asyncio.Protocol(), default_context(), proxy.host)
        if proxy is not None and context is not None:
            await _tunnel(loop, transport, url, proxy)
        protocol = factory()
        if context is not None:
            transport = await _secured(loop, transport, protocol, context, url.host)
        transport.set_protocol(protocol)
    except BaseException:
        transport.abort()
        raise
    protocol.connection_made(transport)
    return protocol


async def _secured(
    loop: asyncio.AbstractEventLoop,
    transport: asyncio.Transport,
    protocol: asyncio.BaseProtocol,
    context: ssl.SSLContext,
    host: str,
) -> asyncio.Transport:
    """TLS over ``transport``.

    Not by ``create_connection``, which forgets its socket when it is cancelled just before the handshake begins.
    """
    secured = await loop.start_tls(transport, protocol, context, server_hostname=host)
    if secured is None:
        raise ConnectionResetError("the connection was closed during the handshake")
    return secured


# Tunnels


async def _tunnel(loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, url: BaseUrl, proxy: Proxy) -> None:
    tunnel = _Tunnel(loop)
    transport.set_protocol(tunnel)
    transport.write(_connect_request(url, proxy))
    await tunnel.opened


def _connect_request(url: BaseUrl, proxy: Proxy) -> bytes:
    authority = url.authority.encode()
    headers = [(b"host", authority)]
    if proxy.authorization:
        headers.append((b"proxy-authorization", proxy.authorization.encode()))
    return b"CONNECT %b HTTP/1.1\r\n%b\r\n" % (authority, fields(headers))


class _Tunnel(asyncio.Protocol):
    """Reads a proxy's reply; ``opened`` is done when there is a tunnel."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.opened: asyncio.Future[None] = loop.create_future()
        self._reply = b""

    def data_received(self, data: bytes) -> None:
        self._reply += data
        head, end, surplus = self._reply.partition(b"\r\n\r\n")
        if not end:
            if len(head) > TUNNEL_HEAD_BYTES:
                self._end(ProxyError("the proxy's reply has no end"))
            return
        status = _TUNNEL_STATUS.match(head + b"\r")
        if status is None or surplus:
            self._end(ProxyError("the proxy's reply to CONNECT is not HTTP"))
        elif not status[1].startswith(b"2"):
            self._end(ProxyError(f"the proxy refused a tunnel with status {status[1].decode()}"))
        else:
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(ProxyError(f"the proxy closed the connection{f' ({exc})' if exc else ''}"))

    def _end(self, error: ProxyError | None) -> None:
        if self.opened.done():
            return
        if error is None:
            self.opened.set_result(None)
        else:
            self.opened.set_exception(error)


# Addresses


async def _connected(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    addresses = _interleaved(await _resolved(loop, host, port))
    if len(addresses) == 1:
        return await _attempt(loop, addresses[0])
    return await _race(loop, addresses)


async def _resolved(loop: asyncio.AbstractEventLoop, host: str, port: int) -> Sequence[AddressInfo]:
    try:  # a literal address needs no thread
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _interleaved(addresses: Iterable[AddressInfo]) -> list[AddressInfo]:
    """The families in turn, beginning with the one that the resolver prefers."""
    families: dict[Any, list[AddressInfo]] = {}
    for each in addresses:
        families.setdefault(each[0], []).append(each)
    return [each for row in itertools.zip_longest(*families.values()) for each in row if each is not None]


async def _race(loop: asyncio.AbstractEventLoop, addresses: Iterable[AddressInfo]) -> socket.socket:
    """The first address that answers; a further one starts whenever one fails or `STAGGER_SECONDS` have passed."""
    ahead = deque(addresses)
    running: set[asyncio.Task[socket.socket]] = set()
    failure: BaseException = OSError("the name has no address")
    try:
        while ahead or running:
            if ahead:
                running.add(loop.create_task(_attempt(loop, ahead.popleft())))
            ended, _ = await asyncio.wait(
                running, timeout=STAGGER_SECONDS if ahead else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in ended:
                running.discard(task)
                error = task.exception()
                if error is None:
                    return task.result()
                failure = error
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_discard)
    raise failure


def _discard(task: "asyncio.Task[socket.socket]") -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _attempt(loop: asyncio.AbstractEventLoop, address: AddressInfo) -> socket.socket:
    family, kind, protocol, _, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEP_ALIVE.items():
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        await loop.sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock
