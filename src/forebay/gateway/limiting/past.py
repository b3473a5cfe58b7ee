"""What was spent before this process began to count: the ledger knows, and is asked once for each budget."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from forebay.core.errors import UnavailableError
from forebay.core.ledger import UsageBook, UsageQuery
from forebay.gateway.limiting.periods import Period

T = TypeVar("T")

logger = logging.getLogger("forebay.limits")

PATIENCE: Final = 1.0
"""How many seconds a request waits for the ledger; later ones go on without it until it has answered."""

PAUSE: Final = 5.0
MOST: Final = 50_000
"""So many budgets are remembered; of others the ledger is asked again."""

Whose = tuple[str, str | None]
"""A tenant, and one of its principals or all of them."""


class Past:
    """The sums of ``book``; without one nothing was spent. ``clock`` tells seconds since the epoch."""

    def __init__(self, book: UsageBook | None, clock: Callable[[], float] = time.time) -> None:
        self._book = book
        self._clock = clock
        self._known: dict[tuple[Whose, str], int] = {}
        self._asking: dict[tuple[Whose, str], asyncio.Task[int]] = {}
        self._began: dict[tuple[Whose, str], float] = {}
        self._away_until = 0.0

    async def spent(self, whose: Whose, period: Period) -> int | None:
        """The pico-dollars of ``period`` before this process was first asked about it; ``None``: not known yet."""
        if self._book is None:
            return 0
        key = whose, period.name
        known = self._known.get(key)
        if known is not None:
            return known
        began = _bounded(self._began).setdefault(key, self._clock())
        if time.monotonic() < self._away_until:
            return None
        task = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(spent_in(self._book, whose, period, began), name="budget")
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        try:
            async with asyncio.timeout(PATIENCE):
                found = await asyncio.shield(task)
        except (UnavailableError, TimeoutError):
            self._away_until = time.monotonic() + PAUSE
            logger.warning("the ledger does not say what was spent: budgets count from now on until it does")
            return None
        _bounded(self._known)[key] = found
        return found

    async def close(self) -> None:
        """Ask no more."""
        for task in list(self._asking.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, UnavailableError):
                await task


async def spent_in(book: UsageBook, whose: Whose, period: Period, until: float) -> int:
    """The pico-dollars of ``period`` before ``until``, as far as costs are known.

    Raises:
        UnavailableError: the ledger cannot be read now.
    """
    tenant, principal = whose
    query = UsageQuery(tenant, principal, since=period.begins, until=max(period.begins, min(until, period.ends)))
    return sum(each.cost for each in await book.sums(query, "tenant"))


def _bounded(found: dict[tuple[Whose, str], T]) -> dict[tuple[Whose, str], T]:
    """``found`` with room for one more: the oldest goes."""
    if len(found) >= MOST:
        del found[next(iter(found))]
    return found
