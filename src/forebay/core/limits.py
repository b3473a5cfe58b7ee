"""Counting against limits: who is limited, what a request takes of whom, and the port of whatever keeps the counts."""

from collections.abc import Sequence
from typing import Final, Literal, Protocol

import msgspec

MINUTE: Final = 60.0

Kind = Literal["key", "tenant", "model"]
"""Whose limits they are."""

Quantity = Literal["requests", "tokens", "parallel", "budget_day", "budget_month"]
"""What is limited: requests and tokens a minute, requests at once, and money by the day and the month."""


class Budget(msgspec.Struct, frozen=True, gc=False):
    """Money for one calendar period: at most ``limit`` pico-dollars in ``period`` (``2026-11-23`` or ``2026-11``).

    ``ends`` is when the next one begins, in seconds since the epoch. ``before`` was spent before whoever counts began
    to, ``None`` if that is not known yet.
    """

    quantity: Literal["budget_day", "budget_month"]
    period: str
    limit: int
    ends: float
    before: int | None = 0


class Holder(msgspec.Struct, frozen=True):
    """Somebody with limits: ``id`` is unique among those of its kind, ``name`` is for people.

    ``rpm`` and ``tpm`` are buckets that fill evenly: so many a minute, and as many at once if nothing was taken for a
    minute; in any span of ``s`` seconds at most ``limit * (1 + s / 60)``.
    """

    kind: Kind
    id: str
    name: str
    rpm: int | None = None
    tpm: int | None = None
    parallel: int | None = None
    budgets: tuple[Budget, ...] = ()


class Amount(msgspec.Struct, frozen=True, gc=False):
    """What one request takes: tokens, and pico-dollars."""

    tokens: int = 0
    cost: int = 0


class Level(msgspec.Struct, frozen=True):
    """How much one holder uses now: of its two buckets, of its places, and of its budgets in their order.

    What was taken of a bucket and has not filled again is 0 or more, and more than the limit if a request took more
    than was reserved for it.
    """

    requests: float = 0.0
    tokens: float = 0.0
    running: int = 0
    spent: tuple[int, ...] = ()


class Grant(msgspec.Struct, frozen=True):
    """What was taken of all ``holders`` for one request, and their levels after that.

    ``id`` is what a count outside of this process knows it by; empty, if it was counted here.
    """

    id: str
    holders: Sequence[Holder]
    amount: Amount
    levels: Sequence[Level]


class Refusal(msgspec.Struct, frozen=True):
    """Nothing was taken of anybody, because ``holder`` has too little: of which quantity, and for how many seconds.

    ``wait`` is infinite where the request alone is more than the limit.
    """

    holder: Holder
    quantity: Quantity
    wait: float
    level: Level


class Counters(Protocol):
    """Keeps the counts, in this process or for several."""

    async def start(self) -> None:
        """Make ready, whether or not what is behind can be reached."""
        ...

    async def close(self) -> None:
        """Settle what is left, and free everything."""
        ...

    async def take(self, holders: Sequence[Holder], amount: Amount, /) -> Grant | Refusal:
        """Take a request, a place and ``amount`` of every one of ``holders``, or nothing of any.

        Of several that have too little, the refusal names the one that has for longest.

        Raises:
            UnavailableError: it cannot be counted now, and nothing is to pass uncounted.
        """
        ...

    def settle(self, grant: Grant, used: Amount, /) -> None:
        """The request has ended: free its place, and count what it used in place of what was reserved.

        To be called once for each grant. It neither waits nor fails.
        """
        ...

    async def look(self, holders: Sequence[Holder], /) -> Sequence[Level]:
        """How much each of ``holders`` uses now.

        Raises:
            UnavailableError: it cannot be told now.
        """
        ...

    def gauges(self) -> dict[str, float]:
        """Figures about the counting itself."""
        ...


def refusal(holder: Holder, level: Level, amount: Amount, now: float) -> Refusal | None:
    """Why ``holder`` at ``level`` (before anything was taken) cannot give one more request; ``now`` is of the epoch."""
    found: Refusal | None = None
    for quantity, wait in _waits(holder, level, amount, now):
        if wait > 0 and (found is None or wait > found.wait):
            found = Refusal(holder, quantity, wait, level)
    return found


def _waits(holder: Holder, level: Level, amount: Amount, now: float) -> Sequence[tuple[Quantity, float]]:
    waits: list[tuple[Quantity, float]] = []
    if holder.parallel is not None and level.running >= holder.parallel:
        waits.append(("parallel", 1.0))
    if holder.rpm is not None:
        waits.append(("requests", wait(level.requests, 1, holder.rpm)))
    if holder.tpm is not None:
        waits.append(("tokens", wait(level.tokens, amount.tokens, holder.tpm)))
    for budget, spent in zip(holder.budgets, level.spent, strict=True):
        if spent >= budget.limit or spent + amount.cost > budget.limit:
            waits.append((budget.quantity, max(1.0, budget.ends - now)))
    return waits


def wait(taken: float, more: float, limit: int) -> float:
    """After how many seconds a bucket of which ``taken`` is gone has ``more``; infinite if it never will."""
    if more > limit:
        return float("inf")
    return max(0.0, (taken + more - limit) * MINUTE / limit)
