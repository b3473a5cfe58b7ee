"""How long the dashboard waits for its charts over a million rows, and what counting them costs the ledger's writer.

PYTHONPATH=. .venv/bin/python bench/series.py [ROWS [postgres]]
"""

import asyncio
import contextlib
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from sqlalchemy import func, select

from forebay.core.series import TIMES, SeriesQuery
from forebay.core.types import Record
from forebay.store.database import Database, parse
from forebay.store.series import SeriesTable
from forebay.store.tables_series import SERIES
from forebay.store.usage import UsageTable
from tests.support.postgres import postgres
from tests.support.records import record

ROWS, BATCH, REPEATS = 1_000_000, 5000, 5
DAY = 86400
DAYS = 30
NOW = 1_795_449_600
MODELS, KEYS, STATUSES = 5, 20, (200,) * 30 + (429, 502)
SPANS = {"1 hour": (3600, 60), "24 hours": (DAY, 900), "7 days": (7 * DAY, 7200), "30 days": (30 * DAY, 21600)}


def rows(count: int) -> Iterator[Record]:
    """Requests of a month, oldest first, by five models and twenty keys of four tenants."""
    chance = random.Random(1)
    for number in range(count):
        key = chance.randrange(KEYS)
        yield record(
            number,
            at=NOW - DAYS * DAY * (1 - number / count),
            model=f"model-{chance.randrange(MODELS)}",
            principal=f"key-{key}",
            tenant=f"tenant-{key % 4}",
            status=chance.choice(STATUSES),
            ttft=chance.lognormvariate(-1, 0.5),
            tpot=chance.lognormvariate(-4, 0.3),
            latency=chance.lognormvariate(0.5, 0.5),
        )


async def fill(table: UsageTable, count: int) -> float:
    """Rows a second."""
    began, batch = time.perf_counter(), list[tuple[str, Record]]()
    for number, each in enumerate(rows(count)):
        batch.append((str(number), each))
        if len(batch) == BATCH:
            await table.add(batch)
            batch = []
    await table.add(batch)
    return count / (time.perf_counter() - began)


async def ask(table: SeriesTable, span: int, step: int) -> Sequence[float]:
    """The seconds of each question of the page, the median of some."""
    first = SeriesQuery(NOW - span, NOW, step)
    change: Callable[..., SeriesQuery] = msgspec.structs.replace
    questions = (
        change(first, times=TIMES),
        change(first, by="model"),
        change(first, by="status"),
        change(first, by="principal", costliest=True),
    )
    return [statistics.median([await _timed(table, query) for _ in range(REPEATS)]) for query in questions]


async def _timed(table: SeriesTable, query: SeriesQuery) -> float:
    began = time.perf_counter()
    await table.points(query)
    return time.perf_counter() - began


async def measure(url: str, count: int) -> None:
    """Fill a database and ask it."""
    database = Database(parse(url))
    try:
        rate = await fill(UsageTable(database), count)
        async with database.reading() as connection:
            cells = (await connection.execute(select(func.count()).select_from(SERIES))).scalar()
        print(f"{count:,} rows written at {rate:,.0f} a second, counted in {cells:,} cells")
        print("range     all with percentiles  by model  by status  by key")
        for name, (span, step) in SPANS.items():
            told = "  ".join(f"{seconds * 1000:8.0f} ms" for seconds in await ask(SeriesTable(database), span, step))
            print(f"{name:9} {told}", flush=True)
    finally:
        await database.close()


def main() -> None:
    """On SQLite, or on PostgreSQL."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with contextlib.ExitStack() as stack:
        if "postgres" in sys.argv:
            url = stack.enter_context(postgres()).database()
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="forebay-series-")))
            url = f"sqlite:///{folder / 'forebay.db'}"
        asyncio.run(measure(url, count))


if __name__ == "__main__":
    main()
