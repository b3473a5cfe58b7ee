"""Lets equal requests that are under way at once ask once: the first one leads, the others wait for its answer.

A follower waits for the whole answer and is then answered from it, streamed if it wants that. If the leader leaves, or
its answer is cut off, the follower that came first leads in its place.
"""

import asyncio
from typing import Final

import msgspec

from forebay.core.entries import Entry
from forebay.core.errors import ForebayError


class Landed(msgspec.Struct, frozen=True):
    """What became of a flight: an ``entry`` for all, or an ``error`` for all; or neither: each asks for itself.

    ``similarity`` is there where the entry answers another wording. ``handed_over`` says that somebody else has to
    lead.
    """

    entry: Entry | None = None
    error: ForebayError | None = None
    similarity: float | None = None
    handed_over: bool = False


ALONE: Final = Landed()
HANDED_OVER: Final = Landed(handed_over=True)


class Flight:
    """One question under way; whoever leads it lands it, once."""

    __slots__ = ("_flights", "_key", "_landed")

    def __init__(self, flights: dict[bytes, "Flight"], key: bytes) -> None:
        self._flights = flights
        self._key = key
        self._landed: asyncio.Future[Landed] | None = None
        flights[key] = self

    def land(self, landed: Landed) -> None:
        """Tell those who wait; what is told later is not heard."""
        if self._flights.get(self._key) is self:
            del self._flights[self._key]
            if self._landed is not None:
                self._landed.set_result(landed)

    async def wait(self, seconds: float) -> Landed:
        """How it landed; after ``seconds`` without that, `ALONE`."""
        if self._landed is None:
            self._landed = asyncio.get_running_loop().create_future()
        await asyncio.wait([self._landed], timeout=seconds)  # a follower that leaves does not cancel the others'
        return self._landed.result() if self._landed.done() else ALONE


class Flights:
    """All flights of a process, by key."""

    def __init__(self) -> None:
        self._flying: dict[bytes, Flight] = {}

    def find(self, key: bytes) -> Flight | None:
        """The flight of ``key``, if there is one."""
        return self._flying.get(key)

    def lead(self, key: bytes) -> Flight:
        """A new flight of ``key``, of which there is none."""
        return Flight(self._flying, key)
