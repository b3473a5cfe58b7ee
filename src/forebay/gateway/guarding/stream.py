"""A reply in chunks past the rules: what leaves has been cleared, the rest waits, and at the end nothing is left over.

A violation before anything has left is an error with a status. Later it ends the stream: with a chunk whose
``finish_reason`` is ``content_filter``, and for a refusal with an error event after it, so that half an answer is never
taken for a whole one.
"""

import contextlib
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from forebay.core.errors import ForebayError, UpstreamError
from forebay.core.stream import DONE, Primed, payloads
from forebay.core.types import Event, Events, Stream
from forebay.gateway.guarding.chunks import Chunks
from forebay.gateway.guarding.errors import judged
from forebay.gateway.guarding.inspection import Inspection
from forebay.gateway.guarding.reaction import Reaction, Violation


async def passing(inspection: Inspection, stream: Stream) -> Stream:
    """The stream as the rules let it pass; where one may want another answer, only when the whole of it has passed.

    Raises:
        Violation: a rule stops it before anything has left.
        ForebayError: it broke before that.
    """
    if not inspection.changes_replies:
        return msgspec.structs.replace(stream, events=await Primed.of(_watched(inspection, stream.events)))
    events = _events(inspection, stream.events)
    if inspection.asks_again:
        async with aclosing(events):
            events = _replayed([event async for event in events])
    return msgspec.structs.replace(stream, events=await Primed.of(events))


async def _watched(inspection: Inspection, events: Events) -> AsyncGenerator[Event, None]:
    """Every event as it is, and only then a look into it."""
    chunks = Chunks(inspection)
    async with aclosing(events):
        async for event in events:
            yield event
            with contextlib.suppress(UpstreamError):  # nobody may be stopped by what only watches
                await _fed(chunks, event.data)
        await chunks.end()


async def _replayed(events: list[Event]) -> AsyncGenerator[Event, None]:
    for event in events:
        yield event


async def _events(inspection: Inspection, events: Events) -> AsyncGenerator[Event, None]:
    chunks = Chunks(inspection)
    held = _Held()
    left = False
    async with aclosing(events):
        try:
            async for event in events:
                if event.content:
                    held.came()
                out = await _fed(chunks, event.data)
                if out.data:
                    left = True
                    if out.content:
                        held.leaves(inspection)
                    yield out
            if tail := await chunks.end():
                yield Event(tail)
        except Violation as violation:
            if not left or inspection.asks_again:
                raise
            if violation.reaction is Reaction.REFUSE:
                yield Event(chunks.broken(), content=False)
            raise violation.error() from None
        except ForebayError as error:
            raise await judged(inspection, error) from None


async def _fed(chunks: Chunks, data: bytes) -> Event:
    out = b""
    spoke = False
    for payload in payloads(data):
        if payload == b"[DONE]":
            tail = await chunks.end()
            spoke = spoke or bool(tail)
            out += tail + DONE
        else:
            out += await chunks.feed(payload)
            spoke = spoke or chunks.spoke
    return Event(out, spoke)


class _Held:
    """How long the first content was held back."""

    def __init__(self) -> None:
        self._came = 0.0
        self._told = False

    def came(self) -> None:
        """Content has come."""
        self._came = self._came or time.perf_counter()

    def leaves(self, inspection: Inspection) -> None:
        """Some of it leaves."""
        if not self._told:
            self._told = True
            inspection.auditor.held(time.perf_counter() - self._came if self._came else 0.0)
