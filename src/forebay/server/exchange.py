"""One request and its response on a connection: ASGI on one side, HTTP/1.1 framing on the other.

Sources: ASGI 3.0 (HTTP connection scope), RFC 9112 (message framing).
"""

import asyncio
import http
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, Protocol

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BODILESS = frozenset({204, 304})


def _status_lines() -> dict[int, bytes]:
    known = {status.value: status.phrase for status in http.HTTPStatus}
    return {code: f"HTTP/1.1 {code} {known.get(code, '')}\r\n".encode() for code in range(200, 600)}


STATUS_LINES = _status_lines()


class Writer(Protocol):
    """The connection, as far as a response needs it."""

    def write(self, data: bytes, /) -> None:
        """Send bytes, or buffer them."""
        ...

    async def drain(self) -> None:
        """Wait until the client has read enough; cancelled when it never does."""
        ...

    def default_head(self) -> bytes:
        """Header lines of every response, such as ``date``."""
        ...


class ResponseError(RuntimeError):
    """The application broke the ASGI contract."""


EVERYWHERE = b"x-content-type-options"
"""What a page asks for and every answer has."""


class Exchange:
    """A whole request (its body has arrived) and the response that is being written.

    ``receive`` and ``send`` are the application's side. The head leaves together with the first piece of the body,
    in one write.
    """

    __slots__ = (
        "_chunked",
        "_head",
        "_length",
        "_received",
        "_writer",
        "body",
        "complete",
        "head_only",
        "keep_alive",
        "scope",
        "started",
    )

    def __init__(self, scope: Scope, writer: Writer, *, keep_alive: bool) -> None:
        self.scope = scope
        self.body = b""
        self.keep_alive = keep_alive
        self.head_only = scope["method"] == "HEAD"
        self.started = False
        self.complete = False
        self._writer = writer
        self._received = False
        self._head: list[bytes] = []
        self._chunked = False
        self._length: int | None = None

    async def receive(self) -> Message:
        """The request in one message; after that only the end of the connection, which cancels the caller."""
        if not self._received:
            self._received = True
            body, self.body = self.body, b""  # from here on it is the application's to keep
            return {"type": "http.request", "body": body, "more_body": False}
        if not self.complete:
            await asyncio.get_running_loop().create_future()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take one ASGI message of the response; header names are lower case, as ASGI asks.

        Raises:
            ResponseError: the messages come in an order, or the body with a length, that HTTP cannot carry.
        """
        kind = message["type"]
        if kind == "http.response.body" and self._head and not self.complete:
            await self._send_body(message.get("body", b""), more=message.get("more_body", False))
        elif kind == "http.response.start" and not self._head:
            self._start(message["status"], message.get("headers", ()))
        else:
            raise ResponseError(f"unexpected ASGI message '{kind}'")

    def _start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        head = [STATUS_LINES[status]]
        for name, value in headers:
            if name == b"content-length":
                self._length = int(value)
            elif name == b"connection":
                self.keep_alive = self.keep_alive and value.lower() != b"close"
                continue
            elif name == EVERYWHERE:
                continue
            head.append(b"%b: %b\r\n" % (name, value))
        head.append(self._writer.default_head())
        self.head_only = self.head_only or status in BODILESS
        if status in BODILESS:
            self._length = 0
        self._head = head

    def _finish_head(self, body: bytes, *, more: bool) -> bytes:
        """The head's last lines, once it is known whether the body comes in one piece."""
        head = self._head
        if self._length is None:
            if not more:
                self._length = len(body)
                head.append(b"content-length: %d\r\n" % len(body))
            elif self.scope["http_version"] == "1.1":
                self._chunked = True
                head.append(b"transfer-encoding: chunked\r\n")
            else:
                self.keep_alive = False
        if not self.keep_alive:
            head.append(b"connection: close\r\n")
        head.append(b"\r\n")
        return b"".join(head)

    async def _send_body(self, body: bytes, *, more: bool) -> None:
        prefix = b""
        if not self.started:
            self.started = True
            prefix = self._finish_head(body, more=more)
        if self.head_only:
            body = b""
        elif self._chunked:
            body = self._chunk(body, more=more)
        else:
            self._count(len(body), more=more)
        if prefix or body:
            self._writer.write(prefix + body)
        if more:
            await self._writer.drain()
        else:
            self.complete = True

    @staticmethod
    def _chunk(body: bytes, *, more: bool) -> bytes:
        if not body:
            return b"" if more else b"0\r\n\r\n"
        chunk = b"%x\r\n%b\r\n" % (len(body), body)
        return chunk if more else chunk + b"0\r\n\r\n"

    def _count(self, size: int, *, more: bool) -> None:
        if self._length is None:
            return
        self._length -= size
        if self._length < 0 or (self._length and not more):
            raise ResponseError("the response's body does not match its content-length")


Application = Callable[[Scope, Callable[[], Any], Callable[[Message], Any]], Any]
