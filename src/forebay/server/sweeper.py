"""Checks the deadlines of all connections by one timer, because a timer per request costs more than the request's head.

A deadline is kept to within `INTERVAL` seconds, which is exact enough for clients that dawdle.
"""

import asyncio
import math
from typing import Protocol
from weakref import WeakKeyDictionary

INTERVAL = 0.5
NEVER = math.inf


class Watched(Protocol):
    """Something with a deadline, on the event loop's clock."""

    deadline: float

    def overdue(self) -> None:
        """Called once the deadline has passed."""
        ...


class Sweeper:
    """Looks at everything watched every `INTERVAL` seconds, and sleeps while there is nothing to watch."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, watched: Watched) -> None:
        """Start checking its deadline."""
        self._watched.add(watched)
        if self._timer is None:
            self._timer = self._loop.call_later(INTERVAL, self._sweep)

    def forget(self, watched: Watched) -> None:
        """Stop checking; forgetting twice is fine."""
        self._watched.discard(watched)
        if not self._watched and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        self._timer = self._loop.call_later(INTERVAL, self._sweep)
        now = self._loop.time()
        for watched in [each for each in self._watched if each.deadline <= now]:
            watched.overdue()


_sweepers: WeakKeyDictionary[object, Sweeper] = WeakKeyDictionary()


def sweeper_of(owner: object, loop: asyncio.AbstractEventLoop) -> Sweeper:
    """The one sweeper of ``owner``, a server; it lives as long as its owner."""
    if owner not in _sweepers:
        _sweepers[owner] = Sweeper(loop)
    return _sweepers[owner]
