"""Counts in a Redis or Valkey, for all processes that share it: one round trip for a request, whatever its limits.

A script of Redis' runs alone, so that nothing comes between looking and taking. Its clock is the server's, one for all.
What has ended is settled behind the requests' backs, several at a time. A place is taken for `LEASE_SECONDS` and
prolonged while its request runs: those of a process that was killed are free again soon. What such a one had reserved
of budgets stays counted: its requests had been asked, and somebody bills them.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import resources
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import msgspec

from forebay.core.limits import Amount, Budget, Grant, Holder, Level, Quantity, Refusal
from forebay.redis.connection import PATIENCE, AwayError, Connection, Owner, parsed
from forebay.settings import LimitsSettings

if TYPE_CHECKING:
    from redis.asyncio import Redis

LEASE_SECONDS: Final = 60.0
CONNECTIONS: Final = 64
AHEAD: Final = 8
BATCH: Final = 100
AGAIN_SECONDS: Final = 0.2
KEPT: Final = 86_400
"""Seconds for which a budget is kept after its period: requests that began in it may still run."""

_ANY: Final = -1


class _Ending(msgspec.Struct, frozen=True):
    """One request to settle: what it took more than was reserved; ``unsure`` whether anything was taken at all."""

    id: str
    holders: Sequence[Holder]
    more: Amount
    unsure: bool = False


class RedisCounters:
    """`Counters` in a Redis; ``clock`` tells seconds since the epoch. `take` and `look` raise `AwayError`, too."""

    def __init__(self, settings: LimitsSettings, clock: Callable[[], float] = time.time) -> None:
        if settings.url is None:
            raise ValueError("no URL")
        self._prefix = settings.prefix
        self._clock = clock
        away = "each process counts for itself" if settings.when_away == "open" else "whoever has limits is refused"
        owner = Owner("the limits' Redis", away)
        self._connection = Connection(
            parsed(settings.url.reveal()), settings.timeout, settings.pause, CONNECTIONS, owner
        )
        self._take = resources.files("forebay.limits").joinpath("take.lua").read_text(encoding="utf-8")
        self._settle = resources.files("forebay.limits").joinpath("settle.lua").read_text(encoding="utf-8")
        self._ids = (f"{os.getpid():x}-{os.urandom(6).hex()}-{number:x}" for number in count())
        self._running: dict[str, Sequence[Holder]] = {}
        self._endings: list[_Ending] = []
        self._owed: dict[str, tuple[int, int]] = {}
        self._ended = asyncio.Event()
        self._closing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_up(self) -> bool:
        """Whether the server answers, as far as is known."""
        return self._connection.is_up

    async def start(self) -> None:
        """Connect: a slow beginning must not pass for an outage. More connections are made when they are needed."""
        self._connection.open()
        with contextlib.suppress(AwayError):
            await self._connection.connect(AHEAD)
        self._tasks = [
            asyncio.create_task(self._settle_until_closing(), name="limits settle"),
            asyncio.create_task(self._prolong_until_closing(), name="limits prolong"),
        ]

    async def close(self) -> None:
        """Settle what is left, if the server answers."""
        # What is under way is not cancelled: redis-py may swallow that, while it looks whether a connection is alive.
        self._closing.set()
        self._ended.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(AwayError):
            await self._flush()
        await self._connection.close()

    async def take(self, holders: Sequence[Holder], amount: Amount) -> Grant | Refusal:
        """Take a request, a place and ``amount`` of every one of ``holders``, or nothing of any."""
        identity = next(self._ids)
        try:
            refused, why, wait, told = await self._asked(identity, holders, amount)
        except (AwayError, asyncio.CancelledError):
            # It may have been counted all the same.
            self._end(_Ending(identity, holders, Amount(-amount.tokens, -amount.cost), unsure=True))
            raise
        levels = _levels(holders, told)
        if refused:
            holder = holders[refused - 1]
            return _refusal(holder, why.decode(), float(wait), levels[refused - 1], self._clock())
        self._running[identity] = holders
        return Grant(identity, holders, amount, levels)

    def settle(self, grant: Grant, used: Amount) -> None:
        """Free the request's place, and count what it used in place of what was reserved."""
        self._running.pop(grant.id, None)
        more = Amount(used.tokens - grant.amount.tokens, used.cost - grant.amount.cost)
        self._end(_Ending(grant.id, grant.holders, more))

    async def look(self, holders: Sequence[Holder]) -> Sequence[Level]:
        """How much each of ``holders`` uses now."""
        _, _, _, told = await self._asked("", holders, Amount())
        return _levels(holders, told)

    def owe(self, holders: Sequence[Holder], cost: int) -> None:
        """Count ``cost`` against the budgets of ``holders`` when the server answers again."""
        for holder in holders:
            for budget in holder.budgets:
                key = self._budget_key(holder, budget)
                owed, _ = self._owed.get(key, (0, 0))
                self._owed[key] = owed + cost, self._keep(budget)
        self._ended.set()

    def gauges(self) -> dict[str, float]:
        """Whether the server answers, how often it did not, and how many requests wait to be settled."""
        return {
            "up": float(self.is_up),
            "failures_total": float(self._connection.failures),
            "unsettled": float(len(self._endings)),
        }

    def _end(self, ending: _Ending) -> None:
        self._endings.append(ending)
        self._ended.set()

    async def _asked(self, identity: str, holders: Sequence[Holder], amount: Amount) -> Any:  # noqa: ANN401  # Redis'
        keys: list[str] = []
        arguments: list[str | int | float] = [identity, amount.tokens, str(amount.cost), LEASE_SECONDS]
        for holder in holders:
            keys += self._keys(holder)
            arguments += [_limit(holder.rpm), _limit(holder.tpm), _limit(holder.parallel), len(holder.budgets)]
            for each in holder.budgets:
                before = "" if each.before is None else str(each.before)
                arguments += [str(each.limit), before, self._keep(each)]
        return await self._connection.within(lambda redis: redis.register_script(self._take)(keys, arguments))

    async def _settle_until_closing(self) -> None:
        while not self._closing.is_set():
            await self._ended.wait()
            self._ended.clear()
            try:
                await self._flush()
            except AwayError:
                await self._pause(AGAIN_SECONDS)
                self._ended.set()

    async def _flush(self) -> None:
        """Settle everything. What cannot be is owed: the money; buckets fill and places become free by themselves.

        Raises:
            AwayError: the server does not answer.
        """
        while self._endings or self._owed:
            batch, self._endings = self._endings[:BATCH], self._endings[BATCH:]
            owed, self._owed = self._owed, {}
            try:
                await self._connection.within(partial(self._send, batch=batch, owed=owed), PATIENCE)
            except BaseException:
                for key, (cost, keep) in owed.items():
                    more, _ = self._owed.get(key, (0, 0))
                    self._owed[key] = cost + more, keep
                for ending in batch:
                    if not ending.unsure:
                        self.owe(ending.holders, ending.more.cost)
                raise

    async def _send(self, redis: "Redis", batch: Sequence[_Ending], owed: dict[str, tuple[int, int]]) -> None:
        # All or nothing: what is owed after a failure must not have been counted already.
        async with redis.pipeline(transaction=True) as pipe:
            for ending in batch:
                for holder in ending.holders:
                    more = ending.more
                    arguments: list[str | int] = [
                        ending.id,
                        more.tokens,
                        str(more.cost),
                        _limit(holder.rpm),
                        _limit(holder.tpm),
                    ]
                    arguments += [int(ending.unsure), *map(self._keep, holder.budgets)]
                    keys = self._keys(holder)
                    pipe.eval(self._settle, len(keys), *keys, *arguments)
            for key, (cost, keep) in owed.items():
                pipe.hincrby(key, "since", cost)
                pipe.expire(key, keep)
            await pipe.execute()

    async def _prolong_until_closing(self) -> None:
        while not self._closing.is_set():
            await self._pause(LEASE_SECONDS / 3)
            with contextlib.suppress(AwayError):
                await self._prolong()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    async def _prolong(self) -> None:
        """Take the places of all running requests for another while."""
        running = [*self._running.items()]
        for first in range(0, len(running), BATCH):
            batch = running[first : first + BATCH]
            await self._connection.within(partial(self._send_places, batch=batch), PATIENCE)

    async def _send_places(self, redis: "Redis", batch: Sequence[tuple[str, Sequence[Holder]]]) -> None:
        seconds, micros = await redis.time()
        until = seconds + micros / 1e6 + LEASE_SECONDS
        async with redis.pipeline(transaction=False) as pipe:
            for identity, holders in batch:
                for holder in holders:
                    places = self._keys(holder)[1]
                    pipe.zadd(places, {identity: until}, xx=True)
                    pipe.expire(places, int(LEASE_SECONDS) * 2)
            await pipe.execute()

    def _keys(self, holder: Holder) -> list[str]:
        base = f"{self._prefix}{holder.kind}:{holder.id}"
        return [f"{base}:rate", f"{base}:places", *(self._budget_key(holder, each) for each in holder.budgets)]

    def _budget_key(self, holder: Holder, budget: Budget) -> str:
        return f"{self._prefix}{holder.kind}:{holder.id}:spent:{budget.period}"

    def _keep(self, budget: Budget) -> int:
        return max(0, int(budget.ends - self._clock())) + KEPT


def _limit(limit: int | None) -> int:
    return _ANY if limit is None else limit


def _levels(holders: Sequence[Holder], told: Sequence[Any]) -> list[Level]:
    rest = iter(told)
    return [
        Level(
            float(next(rest)),
            float(next(rest)),
            int(next(rest)),
            tuple([int(next(rest)) + int(next(rest)) for _ in holder.budgets]),
        )
        for holder in holders
    ]


def _refusal(holder: Holder, why: str, wait: float, level: Level, now: float) -> Refusal:
    if why.startswith("budget"):
        budget = holder.budgets[int(why.removeprefix("budget")) - 1]
        return Refusal(holder, budget.quantity, max(1.0, budget.ends - now), level)
    quantities: dict[str, Quantity] = {"requests": "requests", "tokens": "tokens", "parallel": "parallel"}
    return Refusal(holder, quantities[why], wait, level)
