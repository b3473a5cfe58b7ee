"""One socket: a request is written, llhttp parses what comes back, and the connection is ready for the next one.

No task and no timer belongs to a connection. Its one ``deadline`` moves with every phase, and the pool's timer calls
`Connection.expire` when it has passed.
"""

import asyncio
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Protocol, cast

import httptools
import msgspec

from forebay.core.outbox import outbox_of
from forebay.providers.transport.errors import (
    ClosedError,
    CutError,
    ProtocolError,
    TimedOutError,
    TooLargeError,
    TransportError,
    UnansweredError,
)
from forebay.providers.transport.response import Response

NEVER = math.inf
COPIED_BYTES = 64 * 1024  # a longer body is not copied behind its head
ABANDONED_SECONDS = 1.0

_CONTENT_ENCODING = b"content-encoding"
_TRANSFER_ENCODING = b"transfer-encoding"
_FRAMING = frozenset(
    spelled for name in (_CONTENT_ENCODING, _TRANSFER_ENCODING) for spelled in (name, name.title(), name.upper())
)
_NO_ENCODING = frozenset({b"", b"identity"})
_OK = int(HTTPStatus.OK)
_SENT = (b"", b"")
_CREDIT = (None, None)


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of a client: connections at once, callers waiting for one, and what a reply may occupy."""

    connections: int = 4096
    waiting: int = 4096
    idle_seconds: float = 30.0
    head_bytes: int = 64 * 1024
    buffer_bytes: int = 256 * 1024


class Owner(Protocol):
    """The pool, as far as a connection needs it."""

    @property
    def limits(self) -> Limits:
        """What a reply may occupy."""
        ...

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of all connections."""
        ...

    @property
    def watched_until(self) -> float:
        """When deadlines are checked next."""
        ...

    def watch(self, deadline: float, /) -> None:
        """See to it that deadlines are checked at ``deadline``, or before."""
        ...

    def released(self, connection: "Connection", /) -> None:
        """It can take the next request."""
        ...

    def gone(self, connection: "Connection", /) -> None:
        """It can take no other request."""
        ...

    def lost(self, connection: "Connection", /) -> None:
        """Its socket is closed."""
        ...


class Connection(asyncio.Protocol):
    """A keep-alive connection that answers one request after the other.

    The parser lives as long as the connection. Most of its callbacks are C functions bound to plain containers,
    because a Python frame for each of them costs more than the parsing. It begins and ends a message only on
    ``_credit``, two tokens for a request: the list is empty when the reply is whole, and a message that nobody asked
    for fails on it.
    """

    __slots__ = (
        "_barren",
        "_buffer_bytes",
        "_credit",
        "_fault",
        "_head_bytes",
        "_headers",
        "_idle_seconds",
        "_outbox",
        "_owner",
        "_parser",
        "_parts",
        "_paused",
        "_request",
        "_reusable",
        "_time",
        "_transport",
        "_unread",
        "_waits_for",
        "closed",
        "deadline",
        "on_body",
        "on_header",
        "on_message_begin",
        "on_message_complete",
        "response",
        "served",
    )

    def __init__(self, owner: Owner) -> None:
        limits = owner.limits
        self._owner = owner
        self._head_bytes = limits.head_bytes
        self._buffer_bytes = limits.buffer_bytes
        self._idle_seconds = limits.idle_seconds
        self._time = owner.loop.time
        self._outbox = outbox_of(owner.loop)
        self._request = _SENT
        self._credit: list[None] = []
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self.on_message_begin = self.on_message_complete = self._credit.pop
        self.on_header = self._headers.setdefault
        self.on_body = self._parts.append
        self._parser = httptools.HttpResponseParser(self)
        self._waits_for = "first_token"
        self._reusable = True
        self._paused = False
        self._barren = 0
        self._unread = 0
        self._fault: ProtocolError | None = None
        self.response: Response | None = None
        self.closed = False
        self.served = False
        self.deadline = NEVER

    # The caller's side

    def begin(self, head: bytes, body: bytes, response: Response, now: float) -> None:
        """Send a request, whose reply goes to ``response``."""
        self.response = response
        response.parts = self._parts
        self._credit += _CREDIT
        self._waits_for = "first_token"
        self._unread = self._barren = 0
        deadline = now + response.timeouts.first_token
        self.deadline = deadline if deadline < response.total_at else response.total_at  # noqa: FURB136  # hot
        if self.deadline < self._owner.watched_until:
            self._owner.watch(self.deadline)
        self._request = (head, body)
        self._outbox.add(self)

    def flush(self) -> None:
        """Write the request, with those of others in this turn of the event loop."""
        head, body = self._request
        self._request = _SENT
        if self.closed:
            return
        if len(body) > COPIED_BYTES:
            self._transport.write(head)
            self._transport.write(body)
        else:
            self._transport.write(head + body)

    def close(self) -> None:
        """Close the socket at once, whatever it is doing."""
        if not self.closed:
            self._retire()
            self._transport.abort()

    def drained(self) -> None:
        """The reader has taken all that was buffered."""
        self._unread = 0
        if self._paused:
            self._paused = False
            if self.response is not None:
                self._expect(self._time() + self.response.timeouts.between_tokens, self.response.total_at)
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def abandon(self) -> None:
        """Nobody wants the rest of the reply: let it arrive for a moment, without keeping it."""
        self._parts.clear()
        self.drained()
        self._expect(self._time() + ABANDONED_SECONDS)

    # The pool's side

    def shut(self) -> None:
        """The client is being closed."""
        self._fail(ClosedError("the client was closed"))

    def expire(self, now: float) -> None:
        """The deadline has passed."""
        response = self.response
        if response is None or response.abandoned:
            self.close()
        else:
            self._fail(TimedOutError("total" if now >= response.total_at else self._waits_for))

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse, and tell the reader."""
        response = self.response
        if response is None:  # nothing was asked: a goodbye such as 408, or worse
            self.close()
            return
        before = len(self._parts)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._credit:
                fault, self._fault = self._fault, None
                self._fail(fault or ProtocolError(f"the reply is not valid HTTP/1.1: {error}"))
                return
            self._reusable = False  # the reply is whole, and what follows it was not asked for
        if len(data) > self._head_bytes and self._head_too_large(response):
            return
        if not self._credit:
            self._complete(response)
        elif len(self._parts) > before:
            self._keep(response, len(data))
        else:
            self._note_barren(response, len(data))

    def eof_received(self) -> None:
        """The upstream closes: an idle connection must not be handed out any more."""
        if self.response is None:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed: that ends a body without any other end, and cuts every other."""
        response = self.response
        if not self.closed:
            self._retire()
        self._owner.lost(self)
        if response is None:
            return
        if exc is None and response.status and _ends_with_connection(response):
            response.finish(self._parts)
        elif response.status or self._barren:
            response.fail(CutError(f"the connection ended before the reply did{f' ({exc})' if exc else ''}"))
        else:
            response.fail(UnansweredError(f"the connection ended before any reply{f' ({exc})' if exc else ''}"))

    # The parser's callback

    def on_headers_complete(self) -> None:
        """The head is whole; a 1xx is forgotten, the real one follows."""
        parser = self._parser
        headers = self._headers.copy()
        self._headers.clear()
        status = parser.get_status_code()
        if status < _OK:
            self._skip_interim(status)
            return
        if not _FRAMING.isdisjoint(headers):
            self._check_framing(headers)
        self._reusable = parser.should_keep_alive()
        response = cast("Response", self.response)
        response.status = status
        response.headers = headers
        if response.head_only:
            self._credit.clear()

    # Inside

    def _expect(self, deadline: float, at_most: float = NEVER) -> None:
        self.deadline = min(deadline, at_most)
        if self.deadline < self._owner.watched_until:
            self._owner.watch(self.deadline)

    def _keep(self, response: Response, size: int) -> None:
        """A piece of the body has come: buffer it, unless the reader is too slow already."""
        self._barren = 0
        self._unread += size
        self._waits_for = "between_tokens"
        if self._unread > self._buffer_bytes:
            self._pause(response)
        elif not response.abandoned:
            self._expect(self._time() + response.timeouts.between_tokens, response.total_at)
        response.wake()

    def _pause(self, response: Response) -> None:
        if response.abandoned:
            self.close()
        elif not self._paused:
            self._paused = True
            self._transport.pause_reading()
            self._expect(response.total_at)

    def _note_barren(self, response: Response, size: int) -> None:
        """Bytes without a byte of body: fine for a head, a chunk's size or a trailer, not without end."""
        self._barren += size
        if self._barren > self._head_bytes:
            self._fail(TooLargeError(f"more than {self._head_bytes} bytes of headers"))
        elif response.status:
            response.wake()

    def _head_too_large(self, response: Response) -> bool:
        """Whether a whole head, which arrived in one large piece, is beyond the limit."""
        if not response.status or _size(response.headers) <= self._head_bytes:
            return False
        response.status = 0
        self._fail(TooLargeError(f"more than {self._head_bytes} bytes of headers"))
        return True

    def _complete(self, response: Response) -> None:
        """Hand the body over and take the next request, if that is safe."""
        body = self._parts.copy()
        self._parts.clear()
        self.response = None
        if self._paused:
            self.drained()
        if response.head_only:
            self._parser = httptools.HttpResponseParser(self)  # the old one expects a body
            body.clear()
        if self._reusable and not self._transport.get_write_buffer_size():
            self.served = True
            self._headers.clear()  # the trailers
            self.deadline = deadline = self._time() + self._idle_seconds
            if deadline < self._owner.watched_until:
                self._owner.watch(deadline)
            self._owner.released(self)
        else:
            self.close()
        response.finish(body)

    def _fail(self, error: TransportError) -> None:
        response = self.response
        self.close()
        if response is not None:
            response.fail(error)

    def _retire(self) -> None:
        self.closed = True
        self.deadline = NEVER
        self.response = None
        self._owner.gone(self)

    def _skip_interim(self, status: int) -> None:
        if status < HTTPStatus.CONTINUE or status == HTTPStatus.SWITCHING_PROTOCOLS:
            self._refuse(ProtocolError(f"a reply with status {status}"))
        self._credit += _CREDIT

    def _check_framing(self, headers: Mapping[bytes, bytes]) -> None:
        """What was asked for is an identity body, whole or in chunks, and nothing else is understood."""
        for each, value in headers.items():
            name = each.lower()
            if name == _CONTENT_ENCODING and value.strip().lower() not in _NO_ENCODING:
                self._refuse(ProtocolError(f"the body is compressed ({value[:40]!r}), which was not asked for"))
            if name == _TRANSFER_ENCODING and value.strip().lower() != b"chunked":
                self._refuse(ProtocolError(f"unknown transfer-encoding {value[:40]!r}"))

    def _refuse(self, fault: ProtocolError) -> None:
        """Stop the parser, which calls this from within and takes any error for that: `data_received` reports it."""
        self._fault = fault
        raise TransportError


def _ends_with_connection(response: Response) -> bool:
    return response.header(b"content-length") is None and response.header(b"transfer-encoding") is None


def _size(headers: Mapping[bytes, bytes]) -> int:
    return sum(len(name) + len(value) for name, value in headers.items())
