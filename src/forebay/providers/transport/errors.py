"""Everything that can go wrong between a request and its reply.

TransportError
├── UnsendableError    the request or its URL cannot be put into HTTP: a fault on this side
├── ClosedError        the client, or this response, was closed here
├── PoolFullError      too many callers wait for a connection already
├── ConnectError       no connection: name, route, refusal, TLS
│   └── ProxyError     the proxy would not
├── TimedOutError      a time-out passed; ``which`` is its name in `core.types.TimeOuts`
├── CutError           the connection ended before the reply did
└── ProtocolError      what came is not HTTP/1.1 as asked for
    └── TooLargeError  it is more than we take
"""


class TransportError(Exception):
    """A request got no reply, or not the whole of it."""


class UnsendableError(TransportError, ValueError):
    """The request cannot be written as HTTP: a line break in a header, a path with a space, a URL without a host."""


class ClosedError(TransportError):
    """Closed on this side."""


class PoolFullError(TransportError):
    """All connections are busy and too many callers wait for one."""


class ConnectError(TransportError):
    """No connection could be opened."""


class ProxyError(ConnectError):
    """The proxy refused, or did not speak HTTP."""


class TimedOutError(TransportError):
    """A time-out passed."""

    def __init__(self, which: str) -> None:
        super().__init__(which)
        self.which = which

    def __str__(self) -> str:
        return f"the time-out '{self.which}' passed"


class CutError(TransportError):
    """The connection ended before the reply did."""


class UnansweredError(CutError):
    """The connection ended before any byte of a reply."""


class ProtocolError(TransportError):
    """The upstream does not speak HTTP/1.1, or not as it was asked to."""


class TooLargeError(ProtocolError):
    """Headers or body exceed a limit."""
