"""Counts in this process's own memory, bounded: whoever was not seen for longest is forgotten first."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from forebay.core.limits import MINUTE, Amount, Budget, Grant, Holder, Level, Refusal, refusal

MOST_HOLDERS: Final = 50_000
"""Beyond these, who was idle for longest is forgotten: about 500 bytes each."""

MOST_PERIODS: Final = 4
"""Of one holder: today and this month, and those that just ended, in which running requests began."""


class _Spent:
    """What was spent of one budget: ``before`` this process began to count, and since."""

    __slots__ = ("before", "ends", "since")

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.before = 0
        self.since = 0


class _Count:
    """What one holder uses; the buckets are counted by what is gone of them."""

    __slots__ = ("at", "requests", "running", "spent", "tokens")

    def __init__(self, now: float) -> None:
        self.at = now
        self.requests = 0.0
        self.tokens = 0.0
        self.running = 0
        self.spent: dict[str, _Spent] = {}

    def fill(self, holder: Holder, now: float) -> None:
        """Let the time since the last call have its effect; a clock that steps back has none."""
        share = max(0.0, now - self.at) / MINUTE
        self.at = now
        self.requests = max(0.0, self.requests - share * holder.rpm) if holder.rpm is not None else 0.0
        self.tokens = max(0.0, self.tokens - share * holder.tpm) if holder.tpm is not None else 0.0

    def budget(self, budget: Budget) -> _Spent:
        """What was spent of ``budget``."""
        spent = self.spent.get(budget.period)
        if spent is None:
            while len(self.spent) >= MOST_PERIODS:
                del self.spent[min(self.spent, key=lambda period: self.spent[period].ends)]
            spent = self.spent[budget.period] = _Spent(budget.ends)
        if budget.before is not None and not spent.before:
            spent.before = budget.before
        return spent

    def level(self, holder: Holder) -> Level:
        """As others see it."""
        spent = tuple([each.before + each.since for each in map(self.budget, holder.budgets)])
        return Level(self.requests, self.tokens, self.running, spent)


class MemoryCounters:
    """`Counters` of one process. ``clock`` tells seconds that only go on, ``today`` those since the epoch."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], float] = time.time,
        most: int = MOST_HOLDERS,
    ) -> None:
        self._clock = clock
        self._today = today
        self._most = most
        self._counts: dict[tuple[str, str], _Count] = {}

    async def start(self) -> None:
        """There is nothing to make ready."""

    async def close(self) -> None:
        """There is nothing to free."""

    async def take(self, holders: Sequence[Holder], amount: Amount) -> Grant | Refusal:
        """Take a request, a place and ``amount`` of every one of ``holders``, or nothing of any."""
        now = self._clock()
        counts = [self._filled(holder, now) for holder in holders]
        found: Refusal | None = None
        for holder, count in zip(holders, counts, strict=True):
            refused = refusal(holder, count.level(holder), amount, self._today() if holder.budgets else 0.0)
            if refused is not None and (found is None or refused.wait > found.wait):
                found = refused
        if found is not None:
            return found
        for holder, count in zip(holders, counts, strict=True):
            _move(count, holder, amount, 1)
        levels = [count.level(holder) for holder, count in zip(holders, counts, strict=True)]
        return Grant("", holders, amount, levels)

    def settle(self, grant: Grant, used: Amount) -> None:
        """Free the request's place, and count what it used in place of what was reserved."""
        now = self._clock()
        more = Amount(used.tokens - grant.amount.tokens, used.cost - grant.amount.cost)
        for holder in grant.holders:
            count = self._counts.get((holder.kind, holder.id))
            if count is not None:
                count.fill(holder, now)
                _move(count, holder, more, -1)

    async def look(self, holders: Sequence[Holder]) -> Sequence[Level]:
        """How much each of ``holders`` uses now."""
        now = self._clock()
        return [self._filled(holder, now).level(holder) for holder in holders]

    def gauges(self) -> dict[str, float]:
        """How many holders are counted."""
        return {"holders": float(len(self._counts))}

    def _filled(self, holder: Holder, now: float) -> _Count:
        """The count of ``holder``, which moves to the end of the line of those to forget."""
        key = (holder.kind, holder.id)
        count = self._counts.pop(key, None)
        if count is None:
            count = _Count(now)
            self._forget()
        self._counts[key] = count
        count.fill(holder, now)
        return count

    def _forget(self) -> None:
        """Make room for one, if there is none: the first in the line who is not just being answered goes."""
        for _ in range(len(self._counts) if len(self._counts) >= self._most else 0):
            key = next(iter(self._counts))
            count = self._counts.pop(key)
            if not count.running:
                return
            self._counts[key] = count


def _move(count: _Count, holder: Holder, amount: Amount, places: int) -> None:
    """Take ``amount`` and so many ``places``, or give back where they are less than 0: of no more than was taken."""
    count.running = max(0, count.running + places)
    if holder.rpm is not None:
        count.requests += max(0, places)
    if holder.tpm is not None:
        count.tokens = max(0.0, count.tokens + amount.tokens)
    for budget in holder.budgets:
        count.budget(budget).since += amount.cost
