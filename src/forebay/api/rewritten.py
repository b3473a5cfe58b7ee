"""The events of a chat on their way to a client of another dialect, and what is to be done at their ends."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, Self

import msgspec

from forebay.core.errors import ForebayError
from forebay.core.types import Event, Events


class Writer(Protocol):
    """Writes one answer down as the events of a dialect."""

    def feed(self, data: bytes, /) -> bytes:
        """What whole events of a chat tell; may be nothing yet.

        Raises:
            UpstreamError: they are no chat's.
        """
        ...

    def end(self) -> bytes:
        """The last events.

        Raises:
            UpstreamError: the answer is not whole.
        """
        ...

    def broken(self, error: ForebayError, /) -> bytes:
        """The events that end a stream that broke."""
        ...


async def _nothing() -> None:
    """Whoever keeps nothing has nothing to do at the end."""


class Ends(msgspec.Struct, frozen=True):
    """What is to be done when an answer is ``whole`` (its last events leave after that), ``cut``, or ``left``.

    ``whole`` may raise a `ForebayError`, with which the stream breaks. ``left`` comes after each of the others, too.
    """

    whole: Callable[[], Awaitable[None]] = _nothing
    cut: Callable[[], Awaitable[None]] = _nothing
    left: Callable[[], None] = lambda: None


NOTHING: Final = Ends()


class Rewritten:
    """The events of a chat on their way through a writer."""

    __slots__ = ("_ended", "_ends", "_events", "_writer")

    def __init__(self, events: Events, writer: Writer, ends: Ends = NOTHING) -> None:
        self._events = events
        self._writer = writer
        self._ends = ends
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next events of the dialect.

        Raises:
            StopAsyncIteration: the answer is whole.
            ForebayError: it broke, or what is to be done at its end cannot be.
        """
        while not self._ended:
            try:
                event = await self._events.__anext__()
                data = self._writer.feed(event.data)
            except StopAsyncIteration:
                self._ended = True
                return await self._last()
            except ForebayError:
                self._ended = True
                await self._ends.cut()
                raise
            if data:
                return Event(data, event.content)
        raise StopAsyncIteration

    def broken(self, error: ForebayError) -> bytes:
        """The events after which nothing comes."""
        return self._writer.broken(error)

    async def aclose(self) -> None:
        """Stop the work behind the reply."""
        try:
            await self._events.aclose()
        finally:
            self._ends.left()

    async def _last(self) -> Event:
        try:
            data = self._writer.end()
        except ForebayError:
            await self._ends.cut()
            raise
        await self._ends.whole()
        return Event(data, content=False)
