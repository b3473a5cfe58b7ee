"""The upstream HTTP/1.1 client: keep-alive connections on asyncio protocols, parsed by llhttp.

It exists because a general client costs more per request than all the rest of a gateway (docs/adr/0002). What it can:
TLS, proxies from the environment, unix sockets, every framing of a body, time-outs for each phase, bounded pools and
buffers. What it leaves out: HTTP/2, redirects, cookies, compression, request bodies in pieces.

    client.py      a base URL and what is sent with every request; start reading here
    addresses.py   whole addresses, each asked by a client for its origin
    pool.py        connections between requests, callers that wait for one, and the one timer for all deadlines
    connection.py  one socket: what is written to it and what the parser makes of what comes back
    response.py    a reply while it arrives
    dial.py        how a socket is opened: addresses, proxies, TLS
    proxy.py       which proxy, if any
    url.py         base URLs
    head.py        request lines and header fields, checked and rendered
    errors.py      everything that can go wrong
"""

from forebay.providers.transport.addresses import Addresses
from forebay.providers.transport.client import Client
from forebay.providers.transport.connection import Limits
from forebay.providers.transport.errors import (
    ClosedError,
    ConnectError,
    CutError,
    PoolFullError,
    ProtocolError,
    ProxyError,
    TimedOutError,
    TooLargeError,
    TransportError,
    UnansweredError,
    UnsendableError,
)
from forebay.providers.transport.response import Response
from forebay.providers.transport.url import BaseUrl

__all__ = [
    "Addresses",
    "BaseUrl",
    "Client",
    "ClosedError",
    "ConnectError",
    "CutError",
    "Limits",
    "PoolFullError",
    "ProtocolError",
    "ProxyError",
    "Response",
    "TimedOutError",
    "TooLargeError",
    "TransportError",
    "UnansweredError",
    "UnsendableError",
]
