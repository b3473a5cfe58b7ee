"""A reply while it arrives."""

import asyncio
from typing import Protocol

from forebay.core.types import TimeOuts
from forebay.providers.transport.errors import ClosedError, TooLargeError, TransportError


class Source(Protocol):
    """The connection, as far as a response needs it."""

    def close(self) -> None:
        """Close the socket at once."""
        ...

    def drained(self) -> None:
        """What was buffered has been taken."""
        ...

    def abandon(self) -> None:
        """Throw away the rest of the reply."""
        ...


class Response:
    """Status and headers of a reply, and its body in pieces.

    A response that was read to its end holds nothing. One that was not is to be closed, or abandoned; a caller that is
    cancelled while it waits closes it by that.
    """

    __slots__ = (
        "abandoned",
        "done",
        "error",
        "head_only",
        "headers",
        "loop",
        "parts",
        "source",
        "status",
        "timeouts",
        "total_at",
        "waiter",
    )

    headers: dict[bytes, bytes]
    parts: list[bytes]

    def __init__(
        self, source: Source, loop: asyncio.AbstractEventLoop, timeouts: TimeOuts, total_at: float, *, head_only: bool
    ) -> None:
        self.source: Source | None = source
        self.loop = loop
        self.timeouts = timeouts
        self.total_at = total_at
        self.head_only = head_only
        self.status = 0
        self.done = False
        self.abandoned = False
        self.error: TransportError | None = None
        self.waiter: asyncio.Future[None] | None = None

    # The reader's side

    def header(self, name: bytes) -> bytes | None:
        """The header called ``name`` (lower case); of a repeated one the first."""
        for each, value in self.headers.items():
            if each.lower() == name:
                return value.strip()
        return None

    async def chunk(self) -> bytes:
        """What has arrived since the last call, at least one byte; ``b""`` when the body is whole.

        Raises:
            TransportError: it never will be: cut, timed out, malformed.
        """
        while not self.parts:
            if self.done:
                return b""
            if self.error is not None:
                raise self.failure()
            self.waiter = self.loop.create_future()
            try:
                await self.waiter
            except BaseException:
                self.close()
                raise
        return self._take()

    async def read(self, limit: int) -> bytes:
        """The whole body.

        Raises:
            TooLargeError: it is longer than ``limit`` bytes.
            TransportError: it ended before its end.
        """
        if not self.done:
            return await self._gathered(limit)
        body = self._take()
        if len(body) > limit:
            raise _too_large(limit)
        return body

    async def _gathered(self, limit: int) -> bytes:
        pieces = []
        size = 0
        while piece := await self.chunk():
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                self.close()
                raise _too_large(limit)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def failure(self) -> TransportError:
        """Why it has failed, to be raised: a copy each time.

        An error that is kept where its own traceback leads keeps the whole reply, until memory is swept.
        """
        error = self.error or ClosedError("the response was closed")
        return type(error)(*error.args)

    def _take(self) -> bytes:
        parts = self.parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        if self.source is not None:
            self.source.drained()
        return data

    def close(self) -> None:
        """Be done with it: an unfinished reply closes its connection at once."""
        if self.source is not None:
            self.source.close()
            self.fail(ClosedError("the response was closed before its end"))

    async def aclose(self) -> None:
        """`close`, for ``contextlib.aclosing``."""
        self.close()

    def abandon(self) -> None:
        """Be done with it, but let the rest of the body arrive for a moment, so that the connection can be kept."""
        if self.source is not None:
            self.abandoned = self.done = True
            self.parts = []
            self.source.abandon()
            self.source = None

    # The connection's side

    def finish(self, parts: list[bytes]) -> None:
        """The reply is whole; ``parts`` is what nobody has taken yet."""
        if not self.abandoned:
            self.parts = parts
        self.done = True
        self.source = None
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def fail(self, error: TransportError) -> None:
        """Nothing more will come; what has come can still be taken."""
        self.error = error
        self.source = None
        self.wake()

    def wake(self) -> None:
        """Something has changed."""
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"the body is longer than {limit} bytes")
