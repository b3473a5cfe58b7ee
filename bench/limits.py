"""What admission costs, in memory and by a Redis on this machine, and whether two processes keep one limit.

chrt -f 10 .venv/bin/python bench/limits.py
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

from forebay.core.limits import Amount, Budget, Counters, Grant, Holder
from forebay.core.quantiles import quantile
from forebay.limits.memory import MemoryCounters
from forebay.limits.redis import RedisCounters
from forebay.settings import LimitsSettings, Secret
from tests.support.redis_server import redis_server

ROUNDS, TIMES = 20, 2000
ROUND_TRIPS = 3000
LIMIT = 100
MANY = 10**9
PERIODS = (Budget("budget_day", "2026-11-23", 10**18, 4e9), Budget("budget_month", "2026-11", 10**18, 4e9))
KEY = Holder("key", "7:default:a", "a", MANY)
ALL = (
    Holder("key", "7:default:a", "a", MANY, MANY, 10**6, PERIODS),
    Holder("tenant", "default", "default", MANY, MANY, 10**6, PERIODS),
    Holder("model", "m", "m", MANY, MANY, 10**6),
)
CASES: Sequence[tuple[str, Sequence[Holder]]] = (
    ("rpm of a key", (KEY,)),
    ("rpm, tpm, parallel of a key", (Holder("key", "b", "b", MANY, MANY, 10**6),)),
    ("the same and two budgets, of key, tenant and model", ALL),
)


async def microseconds(counters: Counters, holders: Sequence[Holder]) -> float:
    """The best mean of `ROUNDS` of taking and settling."""
    best = float("inf")
    amount = Amount(100, 1000)
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(TIMES):
            grant = await counters.take(holders, amount)
            assert isinstance(grant, Grant)
            counters.settle(grant, amount)
        best = min(best, (time.perf_counter() - started) / TIMES)
    return best * 1e6


async def round_trips(url: str, holders: Sequence[Holder]) -> list[float]:
    """The milliseconds of so many admissions, one after the other."""
    counters = RedisCounters(LimitsSettings(Secret(url), timeout=5.0))
    await counters.start()
    taken = []
    for _ in range(ROUND_TRIPS):
        started = time.perf_counter()
        grant = await counters.take(holders, Amount(100, 1000))
        taken.append((time.perf_counter() - started) * 1e3)
        assert isinstance(grant, Grant)
        counters.settle(grant, Amount(90, 900))
    await counters.close()
    return taken


def passed(url: str, prefix: str) -> int:
    """How many of `LIMIT` requests at once one process lets through."""

    async def ask() -> int:
        counters = RedisCounters(LimitsSettings(Secret(url), timeout=5.0, prefix=prefix))
        await counters.start()
        holder = Holder("key", "a", "a", LIMIT)
        got = await asyncio.gather(*(counters.take([holder], Amount()) for _ in range(LIMIT)))
        await counters.close()
        return sum(isinstance(each, Grant) for each in got)

    return asyncio.run(ask())


def main() -> None:
    """Everything, as lines."""
    for name, holders in CASES:
        print(f"memory, {name}: {asyncio.run(microseconds(MemoryCounters(), holders)):.2f} µs")
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as server:
        for name, holders in CASES:
            taken = asyncio.run(round_trips(server.url, holders))
            p99 = quantile(sorted(taken), 0.99)
            print(f"Redis, {name}: p50 {statistics.median(taken):.3f} ms, p99 {p99:.3f} ms")
        with get_context("spawn").Pool(2) as pool:
            for number in range(5):
                found = pool.starmap(passed, [(server.url, f"{number}:")] * 2)
                print(f"two processes, {LIMIT} a minute, {2 * LIMIT} asked at once: {sum(found)} passed {found}")


if __name__ == "__main__":
    main()
