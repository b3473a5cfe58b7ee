"""What becomes of an answer once it is whole: it is stored, if it may be, and told to those who wait for it."""

import asyncio
from typing import Final

from forebay.core.entries import Entry
from forebay.core.errors import ForebayError
from forebay.core.types import Usage, Whole
from forebay.gateway.cache.asked import Asked
from forebay.gateway.cache.collect import assembled
from forebay.gateway.cache.flight import ALONE, HANDED_OVER, Flight, Landed
from forebay.gateway.cache.keeper import Keeper
from forebay.gateway.cache.whole import storable

_AT_ONCE: Final = 256 * 1024
"""Bytes that are looked through on the event loop; more is another thread's work."""


class Keeping:
    """What becomes of one answer: stored, or not, and told to those who wait for it."""

    def __init__(self, keeper: Keeper, asked: Asked, flight: Flight | None, max_entry: int, mark: str = "") -> None:
        self._keeper = keeper
        self._asked = asked
        self._call = asked.call
        self._flight = flight
        self._max_entry = max_entry
        self._mark = mark

    def whole(self, reply: Whole) -> None:
        """A reply came in one piece."""
        usage = reply.usage or self._call.trace.usage
        self._take(None if len(reply.body) > self._max_entry else reply.body, usage, streamed=False)

    def streamed(self, events: bytes | None) -> None:
        """A stream has ended as it should."""
        self._take(events, self._call.trace.usage, streamed=True)

    def lost(self, error: ForebayError | None) -> None:
        """A stream has broken, or its client has left."""
        self._land(HANDED_OVER if error is None else Landed(error=error))

    def _take(self, data: bytes | None, usage: Usage | None, *, streamed: bool) -> None:
        if data is None or self._asked.wishes.no_store or self._fell_back():
            self._keeper.counts.refused += 1
            self._land(ALONE)
        elif self._keeper.is_busy:
            self._keeper.counts.dropped += 1
            self._land(ALONE)
        else:
            self._keeper.spawn(self._store(data, usage, streamed=streamed))

    async def _store(self, data: bytes, usage: Usage | None, *, streamed: bool) -> None:
        landed = ALONE
        try:
            work = self._made_whole if streamed else self._stored
            body = await asyncio.to_thread(work, data, usage) if len(data) > _AT_ONCE else work(data, usage)
            if body is None or len(body) > self._max_entry:
                self._keeper.counts.refused += 1
            else:
                landed = Landed(await self._keeper.put(self._asked, self._entry(body, usage)))
        finally:
            self._land(landed)

    def _made_whole(self, events: bytes, usage: Usage | None) -> bytes | None:
        body = assembled(self._call.request.operation, events, usage)
        return None if body is None else self._stored(body, usage)

    def _stored(self, body: bytes, _usage: Usage | None) -> bytes | None:
        return storable(self._call.request.operation, body)

    def _entry(self, body: bytes, usage: Usage | None) -> Entry:
        now = self._keeper.clock()
        owner, call = self._asked.owner, self._call
        return Entry(
            body,
            now,
            now + self._asked.ttl,
            owner.tenant,
            owner.namespace,
            self._asked.model.name,
            call.request.operation.value,
            call.trace.deployment,
            usage,
            mark=self._mark,
        )

    def _fell_back(self) -> bool:
        """Whether another model answered: it stands in for this one now, and not for as long as an entry lives."""
        return any(each.model != self._asked.model.name for each in self._call.trace.attempts)

    def _land(self, landed: Landed) -> None:
        if self._flight is not None:
            self._flight.land(landed)
