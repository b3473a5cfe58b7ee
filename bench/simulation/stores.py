#!/usr/bin/env python3
"""What a request costs Redis and PostgreSQL themselves: their own processor time, of which they have one core or a few.

    PYTHONPATH=. python bench/simulation/stores.py

A round trip says how long a request waits; how many requests a server takes is told by what each costs it. Processor
time is hardly changed by other work on the machine, so this need not run alone. It prints what `measured.json` holds.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from bench.limits import CASES
from forebay.cache.redis import RedisSettings, RedisStore
from forebay.core.entries import Entry
from forebay.core.limits import Amount, Grant, Holder
from forebay.core.types import Usage
from forebay.limits.redis import RedisCounters
from forebay.settings import LimitsSettings, Secret
from forebay.store.database import Database, parse
from forebay.store.usage import UsageTable
from tests.support.cached import completion
from tests.support.postgres import Postgres, postgres
from tests.support.records import record
from tests.support.redis_server import RedisServer, redis_server

REQUESTS = 3000
AT_ONCE = 8
BATCHES = {500: 20, 50: 60, 5: 200}


def redis_seconds(server: RedisServer) -> float:
    """The processor time that Redis has taken."""
    with server.client() as client:
        told = client.info("cpu")
    assert isinstance(told, dict)
    return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])


async def admissions(server: RedisServer, holders: Sequence[Holder]) -> None:
    """Take and settle `REQUESTS` requests, `AT_ONCE` at once."""
    counters = RedisCounters(LimitsSettings(Secret(server.url), timeout=5.0))
    await counters.start()

    async def some() -> None:
        for _ in range(REQUESTS // AT_ONCE):
            grant = await counters.take(holders, Amount(100, 1000))
            assert isinstance(grant, Grant)
            counters.settle(grant, Amount(90, 900))

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    await counters.close()


async def lookups(store: RedisStore, entry: Entry | None) -> None:
    """Put ``entry`` under `REQUESTS` keys, or get as many."""

    async def some(worker: int) -> None:
        for number in range(REQUESTS // AT_ONCE):
            key = (worker * REQUESTS + number).to_bytes(32, "big")
            if entry is None:
                assert await store.get(key)
            else:
                await store.put(key, entry)

    await asyncio.gather(*(some(worker) for worker in range(AT_ONCE)))


async def cached(server: RedisServer) -> None:
    """The cache's two commands."""
    store = RedisStore(RedisSettings(Secret(server.url), timeout=5.0))
    await store.start()
    now = time.time()
    entry = Entry(completion("word " * 128), now, now + 3600, usage=Usage(128, 128))
    for name, wanted in (("put", entry), ("get", None)):
        before = redis_seconds(server)
        await lookups(store, wanted)
        print(f"Redis, cache {name}: {(redis_seconds(server) - before) / REQUESTS * 1e6:.1f} µs")
    await store.close()


def postgres_seconds(server: Postgres) -> float:
    """The processor time of the server's processes, of which the one that talks to us lives as long as we do."""
    first = psutil.Process(int((Path(server.server.pgdata) / "postmaster.pid").read_text().split()[0]))
    times = [each.cpu_times() for each in (first, *first.children())]
    return sum(each.user + each.system for each in times)


async def rows(server: Postgres) -> None:
    """Batches of the ledger."""
    database = Database(parse(server.database()))
    table = UsageTable(database)
    await table.add([("first", record(0))])
    number = 0
    for size, batches in BATCHES.items():
        before, began = postgres_seconds(server), time.perf_counter()
        for _ in range(batches):
            await table.add([(f"{os.getpid()}-{number + place}", record(number + place)) for place in range(size)])
            number += size
        each = size * batches
        print(
            f"PostgreSQL, {size} rows a transaction: {(postgres_seconds(server) - before) / each * 1e6:.1f} µs of its "
            f"processors a row, {each / (time.perf_counter() - began):.0f} rows/s one transaction after the other"
        )
    await database.close()


async def main() -> None:
    """Everything, as lines."""
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as server:
        for name, holders in CASES:
            before = redis_seconds(server)
            await admissions(server, holders)
            print(f"Redis, {name}: {(redis_seconds(server) - before) / REQUESTS * 1e6:.1f} µs")
        await cached(server)
    with postgres() as server_of_rows:
        await rows(server_of_rows)


if __name__ == "__main__":
    asyncio.run(main())
