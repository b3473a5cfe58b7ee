"""Server-sent events, as far as a gateway needs them: where one ends, what it says, and how ours are written.

Source: WHATWG HTML, section 9.2 "Server-sent events"; OpenAI's chat-completion streams use only ``data`` lines.
"""

import re
from collections.abc import AsyncGenerator, Awaitable
from typing import Self

from forebay.core.errors import ForebayError, UpstreamError
from forebay.core.types import Event, Events

DONE = b"data: [DONE]\n\n"

# A field of an event that is not its data, or a comment.
_OTHER_FIELD = re.compile(rb":|(?:event|id|retry)(?::|$)")


class Framer:
    """Cuts a byte stream into whole events, whatever the chunks it arrives in.

    Only whole events are handed on, so a stream that breaks can always be followed by an error event of our own.
    ``limit`` bounds, in bytes, an event that never ends.
    """

    __slots__ = ("_held", "_limit")

    def __init__(self, limit: int = 16 * 1024 * 1024) -> None:
        self._held = b""
        self._limit = limit

    @property
    def held(self) -> bytes:
        """What has arrived of an event that has not ended."""
        return self._held

    def feed(self, data: bytes) -> bytes:
        r"""All whole events up to now, as one piece, or ``b""``; line ends become ``\n``.

        Raises:
            UpstreamError: an event grew beyond the limit.
        """
        if b"\r" in data or self._held:
            data = self._normalised(data)
        if data.endswith(b"\n\n"):
            self._held = b""
            return data
        end = data.rfind(b"\n\n") + 2
        if end == 1:
            end = 0
        self._held = data[end:]
        if len(self._held) > self._limit:
            raise UpstreamError("The upstream sent an event without an end.")
        return data[:end]

    def _normalised(self, data: bytes) -> bytes:
        data = self._held + data
        if b"\r" not in data:
            return data
        # A trailing CR may be the first half of CRLF: it waits for the next piece.
        tail = b"\r" if data.endswith(b"\r") else b""
        body = data[: len(data) - len(tail)]
        return body.replace(b"\r\n", b"\n").replace(b"\r", b"\n") + tail


def payloads(events: bytes) -> list[bytes]:
    r"""The data of each whole event in ``events`` (``\n`` line ends); comments and other fields are left out."""
    found = []
    for event in events.split(b"\n\n"):
        lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
        if lines:
            found.append(b"\n".join(lines))
    return found


def payload(event: bytes) -> bytes | None:
    """The data of one event, ``None`` if it has none.

    That of a bare JSON object too, which is how some servers break off a stream. A line that is no field is taken for
    data: it is what is left of an event, and not to be passed over.
    """
    if event.startswith(b"data: ") and b"\n" not in event:
        return event[6:]
    lines = event.split(b"\n")
    data = [line.removeprefix(b"data:").removeprefix(b" ") for line in lines if line and not _OTHER_FIELD.match(line)]
    return b"\n".join(data) if data else None


def event(data: bytes) -> bytes:
    """``data`` (one line of JSON) as an event."""
    return b"data: " + data + b"\n\n"


def error_event(error: ForebayError) -> bytes:
    """The event that ends a broken stream: no ``finish_reason`` and no ``[DONE]`` follow it."""
    return event(error.body())


HELD_BYTES = 64 * 1024
"""How much without any content may come before it is passed on all the same."""


class Primed:
    """Events of an async generator whose first one has already been taken, so that it can be closed at any time.

    Waiting for the first event is what turns an early failure into a real status instead of a broken stream. What comes
    before the first content (most upstreams begin with the role) becomes one event with it.
    """

    __slots__ = ("_events", "_first")

    def __init__(self, first: Event, events: Events | AsyncGenerator[Event, None]) -> None:
        self._first: Event | None = first
        self._events = events

    @classmethod
    async def of(cls, events: AsyncGenerator[Event, None]) -> Self:
        """Wait for the first content, or the end.

        Raises:
            UpstreamError: there is none.
            ForebayError: whatever the generator raised.
        """
        try:
            first = await anext(events)
        except StopAsyncIteration:
            raise UpstreamError("The upstream ended its stream before the first event.") from None
        return cls(first if first.content else await _with_content(first, events), events)

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[Event]:
        """The first event, then those of the generator, without a coroutine of our own around each of them."""
        if self._first is None:
            return self._events.__anext__()
        return self._taken()

    async def _taken(self) -> Event:
        first, self._first = self._first, None
        assert first is not None  # noqa: S101  # nobody else takes it
        return first

    async def aclose(self) -> None:
        """Close the generator; its ``finally`` blocks run."""
        self._first = None
        await self._events.aclose()


async def _with_content(first: Event, events: AsyncGenerator[Event, None]) -> Event:
    """``first`` and what follows it, up to the first content, the end, or `HELD_BYTES`."""
    data, content = first.data, False
    async for each in events:
        data += each.data
        content = each.content
        if content or len(data) > HELD_BYTES:
            break
    return Event(data, content)
