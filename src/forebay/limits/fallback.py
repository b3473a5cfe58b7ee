"""Counts in a Redis while it answers; when it is away, in this process, or nobody with limits passes."""

from collections.abc import Sequence
from typing import Final

import msgspec

from forebay.core.errors import UnavailableError
from forebay.core.limits import Amount, Budget, Grant, Holder, Level, Refusal
from forebay.limits.memory import MemoryCounters
from forebay.limits.redis import RedisCounters
from forebay.redis.connection import AwayError

MOST_KNOWN: Final = 50_000
"""Of so many budgets it is remembered what the Redis said last."""


class Fallback:
    """`Counters`: those of ``redis``, or else (unless ``closed``) this process's own.

    These begin with full buckets, and with what was known last about budgets. What is spent meanwhile is added there
    when it answers again; a Redis that has forgotten everything is told what it had said.
    """

    def __init__(self, redis: RedisCounters, *, closed: bool) -> None:
        self._redis = redis
        self._closed = closed
        self._own = MemoryCounters()
        self._counting_here = False
        self._known: dict[tuple[str, str, str], int] = {}

    async def start(self) -> None:
        """Make ready."""
        await self._redis.start()

    async def close(self) -> None:
        """Settle what is left."""
        await self._redis.close()

    async def take(self, holders: Sequence[Holder], amount: Amount) -> Grant | Refusal:
        """Take a request, a place and ``amount`` of every one of ``holders``, or nothing of any.

        Raises:
            UnavailableError: the Redis is away, and nothing is to pass uncounted.
        """
        holders = [self._remembered(holder) for holder in holders]
        try:
            got = await self._redis.take(holders, amount)
        except AwayError:
            return await self._here().take(holders, amount)
        self._there()
        if isinstance(got, Refusal):
            self._remember(got.holder, got.level)
        else:
            for holder, level in zip(holders, got.levels, strict=True):
                self._remember(holder, level)
        return got

    def settle(self, grant: Grant, used: Amount) -> None:
        """Free the request's place, and count what it used, wherever it was taken."""
        if not grant.id:
            self._own.settle(grant, used)
            self._redis.owe(grant.holders, used.cost)
            return
        self._redis.settle(grant, used)
        for holder in grant.holders:
            for budget in holder.budgets:
                key = holder.kind, holder.id, budget.period
                if key in self._known:
                    self._known[key] += used.cost - grant.amount.cost

    async def look(self, holders: Sequence[Holder]) -> Sequence[Level]:
        """How much each of ``holders`` uses now.

        Raises:
            UnavailableError: the Redis is away, and nobody counts.
        """
        holders = [self._remembered(holder) for holder in holders]
        try:
            return await self._redis.look(holders)
        except AwayError:
            return await self._here().look(holders)

    def gauges(self) -> dict[str, float]:
        """Figures about the Redis."""
        return self._redis.gauges()

    def _here(self) -> MemoryCounters:
        if self._closed:
            raise UnavailableError("Limits cannot be counted now; try again soon.", headers={"retry-after": "1"})
        self._counting_here = True
        return self._own

    def _there(self) -> None:
        """What was counted here is over: buckets have filled there, and what was spent is owed."""
        if self._counting_here:
            self._counting_here = False
            self._own = MemoryCounters()

    def _remember(self, holder: Holder, level: Level) -> None:
        for budget, spent in zip(holder.budgets, level.spent, strict=True):
            if budget.before is None:  # what is to be added to the rest is still to be told
                continue
            key = holder.kind, holder.id, budget.period
            if len(self._known) >= MOST_KNOWN and key not in self._known:
                del self._known[next(iter(self._known))]
            self._known[key] = spent

    def _remembered(self, holder: Holder) -> Holder:
        if not holder.budgets:
            return holder
        return msgspec.structs.replace(
            holder, budgets=tuple([self._with_known(holder, each) for each in holder.budgets])
        )

    def _with_known(self, holder: Holder, budget: Budget) -> Budget:
        known = self._known.get((holder.kind, holder.id, budget.period))
        return budget if known is None else msgspec.structs.replace(budget, before=known)
