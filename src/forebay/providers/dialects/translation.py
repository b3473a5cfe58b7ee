"""A stream on its way from a vendor to a client, from one form into the other.

Nothing leaves before the answer has begun, so that a failure until then is a status or another deployment's turn. A
finish reason and ``[DONE]`` leave together, at the end: half an answer never looks like a whole one.
"""

import time
from collections.abc import AsyncGenerator, Callable, Iterable

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import ForebayError, UpstreamError
from forebay.core.types import Event, Trace
from forebay.providers.dialects.chunks import Chunks
from forebay.providers.dialects.dialect import Reader, VendorError
from forebay.providers.dialects.framing import Framing
from forebay.providers.failures import broken
from forebay.providers.transport import Response, TimedOutError, TransportError


class Terms(msgspec.Struct, frozen=True):
    """On which terms a stream is translated.

    Usage goes to ``trace``. ``explain`` turns what a vendor says of its failure into Forebay's terms. ``choices`` is
    how many answers were asked for. The first token, and a ping is none, has ``first_token`` seconds.
    """

    provider: str
    trace: Trace
    explain: Callable[[VendorError], ForebayError]
    choices: int = 1
    first_token: float = 120.0


class Translation:
    """One stream: bytes from ``response``, cut by ``framing``, read by ``reader``, written as ``chunks``."""

    def __init__(self, response: Response, framing: Framing, reader: Reader, chunks: Chunks, terms: Terms) -> None:
        self._response = response
        self._framing = framing
        self._reader = reader
        self._chunks = chunks
        self._terms = terms
        self._patience = time.monotonic() + terms.first_token
        self._begun = False
        self._failure: ForebayError | None = None

    async def events(self) -> AsyncGenerator[Event, None]:
        """The events, whole ones only.

        Raises:
            ForebayError: the stream broke, or says that it failed; what came before that has been handed on.
        """
        response, chunks = self._response, self._chunks
        try:
            while not chunks.ended and (data := await response.chunk()):
                self._read(self._framing.feed, data)
                if event := self._taken():
                    yield event
                self._check()
            if not chunks.ended:
                yield self._end()
        except TransportError as error:
            if not (chunks.complete and chunks.finished() >= self._terms.choices):
                raise broken(error, self._terms.provider) from error
            chunks.end()
            yield self._last()
        finally:
            if chunks.ended:
                response.abandon()  # its last bytes are on their way, and the connection is worth keeping
            else:
                response.close()

    def _read(self, cut: Callable[..., Iterable[bytes]], *data: bytes) -> None:
        """Read the events in ``data``; what goes wrong is kept until what came before it has been handed on."""
        chunks, reader = self._chunks, self._reader
        try:
            for payload in cut(*data):
                reader.event(payload, chunks)
                if chunks.ended:
                    break
        except VendorError as error:
            self._failure = self._terms.explain(error)
        except ForebayError as error:
            self._failure = error
        except MALFORMED:
            self._failure = UpstreamError(f"The provider '{self._terms.provider}' sent an event that is none.")
        if chunks.ended and not chunks.complete:
            self._failure = self._unfinished()
        self._terms.trace.usage = chunks.usage

    def _taken(self) -> Event | None:
        event = self._chunks.take()
        self._begun = self._begun or event is not None
        return event

    def _check(self) -> None:
        if self._failure is not None:
            raise self._told()
        if not self._begun and time.monotonic() > self._patience:
            raise broken(TimedOutError("first_token"), self._terms.provider)

    def _told(self) -> ForebayError:
        """The failure, which is kept no longer: its traceback will know this object."""
        failure, self._failure = self._failure, None
        assert failure is not None  # noqa: S101  # asked before
        return failure

    def _end(self) -> Event:
        """The upstream has closed; some vendors have no other word for the end."""
        self._read(self._framing.end)
        self._check()
        if not self._chunks.complete:
            raise self._unfinished()
        if not self._chunks.ended:
            self._chunks.end()
        return self._last()

    def _last(self) -> Event:
        event = self._chunks.take()
        assert event is not None  # noqa: S101  # [DONE] is in it
        return event

    def _unfinished(self) -> UpstreamError:
        return UpstreamError(f"The provider '{self._terms.provider}' ended its stream before the answer was whole.")
