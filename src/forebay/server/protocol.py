"""The server's side of HTTP/1.1 as an asyncio protocol that uvicorn runs in place of its own.

Three things made it ours. A request that has arrived whole is cheaper to hand over than one in pieces; a client that
leaves cancels the work done for it, at once and without a second task that listens; and every state in which a client
could hold a connection (head, body, reading the reply, idle) has a deadline. Deadlines are checked by one sweep over
all connections instead of a timer per request.

Source: RFC 9112.
"""

import asyncio
import enum
import logging
import urllib.parse
from collections import deque
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.server import ServerState

from forebay.core.errors import (
    ForebayError,
    InvalidRequestError,
    PayloadTooLargeError,
    RequestTimeoutError,
    ServerError,
    UnavailableError,
    UnsupportedMediaTypeError,
)
from forebay.core.outbox import MOST, outbox_of
from forebay.server.exchange import CONTINUE, Application, Exchange, Scope
from forebay.server.limits import Limits
from forebay.server.sweeper import NEVER, sweeper_of
from forebay.server.wire import cause, header_lines, rendered, target

logger = logging.getLogger("forebay.server")


ASGI = {"version": "3.0", "spec_version": "2.3"}

NO_ENCODING = frozenset({b"", b"identity"})
ENCODED = UnsupportedMediaTypeError(
    "The body is compressed; send it as it is, without 'content-encoding'.", headers={"accept-encoding": "identity"}
)


class Phase(enum.Enum):
    """What part of a request is being read."""

    IDLE = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()


class HTTPProtocol(asyncio.Protocol):
    """One connection: parses requests, runs the application for one after the other, enforces `Limits`.

    The signature is what uvicorn calls, with ``limits`` bound beforehand.
    """

    def __init__(
        self,
        limits: Limits,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._limits = limits
        self._app: Application = config.loaded_app
        self._root_path: str = config.root_path
        self._state = server_state
        self._connections = cast("set[Any]", server_state.connections)
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._sweeper = sweeper_of(server_state, self._loop)
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Exchange] = deque()
        self._current: Exchange | None = None
        self._task: asyncio.Task[None]
        self._turn: asyncio.Future[Exchange] | None = None
        self._outbox = outbox_of(self._loop)
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._drained: asyncio.Future[None] | None = None
        self._writable = True
        self._lingering = False
        self._closing = False
        self._begin_head()
        self._phase = Phase.IDLE
        self.deadline = NEVER

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the connection; refuse it when there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        self._client = transport.get_extra_info("peername") or None
        self._server = transport.get_extra_info("sockname") or None
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self._connections.add(self)
        self._sweeper.watch(self)
        self.deadline = self._loop.time() + self._limits.header_seconds
        if len(self._connections) > self._limits.connections:
            self._refuse(UnavailableError("Too many connections; try again later.", headers={"retry-after": "1"}))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """Cancel what was being done for the client that has left."""
        self._closing = True
        self.deadline = NEVER
        self._connections.discard(self)
        self._sweeper.forget(self)
        self._waiting.clear()
        if self._current is not None or self._turn is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse; bytes that follow a refused request are read and thrown away until the client has seen why."""
        if self._lingering:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline_upgrade(data[offer.args[0] :])
        except httptools.HttpParserError as error:
            if not self._lingering:
                self._refuse(InvalidRequestError(f"The request is not valid HTTP/1.1: {cause(error)}."))
        if self._phase is Phase.HEAD:
            self._count_head(len(data))
        if len(self._waiting) > 1 or (self._waiting and self._current):
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """The client reads more slowly than the reply is made."""
        self._writable = False
        self.deadline = self._loop.time() + self._limits.write_seconds

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._writable = True
        self.deadline = NEVER
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    # The parser's callbacks

    def on_message_begin(self) -> None:
        """A new request starts."""
        self._begin_head()
        self._phase = Phase.HEAD
        if self._current is None and not self._waiting:
            self.deadline = self._loop.time() + self._limits.header_seconds

    def on_url(self, url: bytes) -> None:
        """The request target, perhaps in pieces."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field; those after the body say nothing of a request (RFC 9110, section 6.5.1)."""
        if self._phase is not Phase.HEAD:
            self._count_head(len(name) + len(value))
        elif len(self._headers) < self._limits.header_fields:
            self._headers.append((name.lower(), value))
        else:
            self._refuse(InvalidRequestError("The request has too many headers; send fewer."))

    def on_headers_complete(self) -> None:
        """The head is whole: refuse a body that is announced too large, or compressed, before it is sent."""
        self._phase = Phase.BODY
        expects_continue = False
        for name, value in self._headers:
            if name == b"content-length" and int(value) > self._limits.body_bytes:
                self._too_large()
                return
            if name == b"content-encoding" and value.strip().lower() not in NO_ENCODING:
                self._refuse(ENCODED)
                return
            if name == b"expect" and value.lower() == b"100-continue":
                expects_continue = True
        if expects_continue and self._current is None:
            self.write(CONTINUE)
        if self._current is None:
            self.deadline = self._loop.time() + self._limits.body_seconds

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.body_bytes:
            self._too_large()
        elif not self._lingering:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """The request is whole: answer it, or let it wait for its turn (pipelining)."""
        if self._lingering or self._parser.should_upgrade():
            return
        version = self._parser.get_http_version()
        keep_alive = version == "1.1" and self._parser.should_keep_alive()
        exchange = Exchange(self._scope(version), self, keep_alive=keep_alive)
        body = self._body
        exchange.body = body[0] if len(body) == 1 else b"".join(body)
        body.clear()  # an idle connection keeps nothing of it
        self._phase = Phase.IDLE
        if self._current is None:
            self._run(exchange)
        else:
            self._waiting.append(exchange)

    # What an Exchange needs

    def write(self, data: bytes) -> None:
        """Send bytes to the client, with what others write in this turn of the event loop."""
        out = self._out
        if not out:
            self._outbox.add(self)
        out.append(data)
        self._out_bytes += len(data)
        if self._out_bytes > MOST:
            self.flush()

    def flush(self) -> None:
        """Write what has gathered."""
        out = self._out
        if out and not self._transport.is_closing():
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))
        out.clear()
        self._out_bytes = 0

    async def drain(self) -> None:
        """Return at once while the client keeps up; else when it has caught up or is gone."""
        if not self._writable:
            self._drained = self._loop.create_future()
            await self._drained

    def default_head(self) -> bytes:
        """The ``date``, which uvicorn renders once a second."""
        return header_lines(tuple(self._state.default_headers))

    # What uvicorn and the sweeper need

    def shutdown(self) -> None:
        """Finish the request at hand, take no other."""
        self._waiting.clear()
        if self._current is None:
            self._transport.close()
        else:
            self._closing = True
            self._current.keep_alive = False

    def overdue(self) -> None:
        """The deadline has passed: say so where the client can still hear it, and close."""
        self.deadline = NEVER
        if self._current is not None or self._lingering:
            self._transport.abort()
        elif self._phase is not Phase.IDLE:
            self._refuse(RequestTimeoutError("The request did not arrive in time; send it faster or in smaller parts."))
        else:
            self._transport.close()

    # Inside

    def _begin_head(self) -> None:
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._head_bytes = 0

    def _decline_upgrade(self, rest: bytes) -> None:
        """Read the request again as if no upgrade had been offered (RFC 9110, section 7.8, lets a server ignore it).

        Java's client offers h2c with every first request; the parser would take its body for another protocol.
        """
        method = self._parser.get_method()
        if method == b"CONNECT":
            self._refuse(InvalidRequestError("This server is no proxy: it does not take CONNECT."))
            return
        kept = [(name, value) for name, value in self._headers if name not in {b"upgrade", b"connection"}]
        fields = b"".join(name + b": " + value + b"\r\n" for name, value in kept)
        head = method + b" " + self._url + b" HTTP/1.1\r\n" + fields + b"\r\n"
        self._parser = httptools.HttpRequestParser(self)
        self.data_received(head + rest)

    def _count_head(self, size: int) -> None:
        """Bound a head that never ends."""
        self._head_bytes += size
        if self._head_bytes > self._limits.header_bytes:
            self._refuse(InvalidRequestError("The request's headers are too large; send fewer or shorter ones."))

    def _scope(self, version: str) -> Scope:
        raw_path, query = target(self._url)
        path = raw_path.decode("ascii")
        return {
            "type": "http",
            "asgi": ASGI,
            "http_version": version,
            "server": self._server,
            "client": self._client,
            "scheme": self._scheme,
            "method": self._parser.get_method().decode("ascii"),
            "root_path": self._root_path,
            "path": urllib.parse.unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self._headers,
            "state": self._app_state,
        }

    def _run(self, exchange: Exchange) -> None:
        """Give ``exchange`` to the connection's task: to make one for each request costs more than to wake it."""
        self._current = exchange
        self.deadline = NEVER
        if self._turn is None:
            self._task = self._loop.create_task(self._work(exchange))
        else:
            self._turn.set_result(exchange)
        self._state.tasks.add(self._task)

    async def _work(self, exchange: Exchange) -> None:
        """Answer one request after the other, until the connection is lost, which cancels this."""
        while True:
            self._turn = None
            await self._answer(exchange)
            self._turn = self._loop.create_future()
            self._ended(exchange)
            exchange = await self._turn

    async def _answer(self, exchange: Exchange) -> None:
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            self._state.tasks.discard(self._task)
            self._transport.abort()
            raise
        except Exception:  # the last resort: nothing above may take the server down
            logger.exception("unhandled error while answering %s", exchange.scope["path"])
            self._fail(exchange)
        if not exchange.complete:
            how = "broke off its answer to" if exchange.started else "did not answer"
            logger.error("the application %s %s", how, exchange.scope["path"])
            self._fail(exchange)

    def _fail(self, exchange: Exchange) -> None:
        """An error where nothing has been sent; a cut connection where something has."""
        exchange.keep_alive = False
        exchange.complete = True
        if exchange.started:
            self._transport.abort()
        else:
            self.write(rendered(ServerError("Internal error; see the server's log.")))

    def _ended(self, exchange: Exchange) -> None:
        self._state.tasks.discard(self._task)
        self._state.total_requests += 1
        self._current = None
        if self._transport.is_closing():
            return
        if not exchange.keep_alive or self._closing:
            self._close()
        elif self._waiting:
            self._run(self._waiting.popleft())
            if not self._waiting:
                self._transport.resume_reading()
        else:
            self.deadline = self._loop.time() + self._limits.keep_alive_seconds

    def _close(self) -> None:
        self.flush()
        self._transport.close()

    def _too_large(self) -> None:
        limit = self._limits.body_bytes
        self._refuse(
            PayloadTooLargeError(
                f"The body is larger than this server's limit of {limit} bytes; 'server.body_limit' sets it."
            )
        )

    def _refuse(self, error: ForebayError) -> None:
        """Answer a request that never reaches the application, then close.

        The connection lingers for a moment: closing while the client still sends would reset it, and the client
        would never read the reply.
        """
        if self._lingering or self._transport.is_closing():
            return
        self._lingering = True
        self._body.clear()
        self._waiting.clear()
        if self._current is None:
            self.write(rendered(error))
            self.flush()
            if self._transport.can_write_eof():
                self._transport.write_eof()
        self.deadline = self._loop.time() + self._limits.linger_seconds
