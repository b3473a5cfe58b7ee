"""Every row comes into the database once, whatever the database, the disk or the process does meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from forebay.core.ledger import UsageQuery
from forebay.store import ledger as ledger_module
from forebay.store.database import Database, parse
from forebay.store.journal import FullError, Journal
from forebay.store.ledger import Ledger
from forebay.store.usage import Row, UsageTable
from tests.support.postgres import Postgres
from tests.support.records import record
from tests.support.until import until

LIMIT = 1024 * 1024


class Table(UsageTable):
    """The real table, behind a database that can be switched off, or dies after it has taken the rows."""

    away = False
    dies = False

    async def add(self, rows: Sequence[Row]) -> None:
        if self.away:
            raise OperationalError("", None, OSError())
        await super().add(rows)
        if self.dies:
            self.dies = False
            raise OperationalError("", None, OSError())


@pytest.fixture
async def table(tmp_path: Path) -> AsyncIterator[Table]:
    database = Database(parse(f"sqlite:///{tmp_path / 'forebay.db'}"))
    yield Table(database)
    await database.close()


def make(folder: Path, table: UsageTable, *, sync: bool = False, retention: float | None = None) -> Ledger:
    return Ledger(Journal(folder / "journal", LIMIT), table, sync=sync, retention=retention)


async def stored(table: UsageTable) -> list[str]:
    return [row.id for row in await table.rows(UsageQuery(), 10_000)]


ROWS = [record(number, at=float(number)) for number in range(1200)]
IDS = [row.id for row in ROWS]


@pytest.mark.parametrize("sync", [False, True])
async def test_rows_come_into_the_database_by_themselves(tmp_path: Path, table: Table, sync: bool) -> None:  # noqa: FBT001  # pytest's
    ledger = make(tmp_path, table, sync=sync)
    await ledger.start()
    for row in ROWS:
        ledger.record(row)
    async with asyncio.timeout(30):
        while await stored(table) != IDS:  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0.05)
    await ledger.close()
    assert list((tmp_path / "journal").iterdir()) == []


async def test_closing_brings_everything_home(tmp_path: Path, table: Table) -> None:
    ledger = make(tmp_path, table)
    await ledger.start()
    for row in ROWS:
        ledger.record(row)
    await ledger.close()
    assert await stored(table) == IDS


async def test_while_the_database_is_away_rows_wait_and_come_later(tmp_path: Path, table: Table) -> None:
    table.away = True
    ledger = make(tmp_path, table)
    await ledger.start()
    for row in ROWS[:600]:
        ledger.record(row)
    await ledger.write()
    with pytest.raises(OperationalError):
        await ledger.deliver()
    await ledger.close()
    again = make(tmp_path, table)
    await again.start()
    for row in ROWS[600:]:
        again.record(row)
    table.away = False
    await again.close()
    assert await stored(table) == IDS


async def test_rows_that_were_taken_without_a_word_are_not_there_twice(tmp_path: Path, table: Table) -> None:
    table.dies = True
    ledger = make(tmp_path, table)
    await ledger.start()
    for row in ROWS:
        ledger.record(row)
    await ledger.write()
    with pytest.raises(OperationalError):
        await ledger.deliver()
    await ledger.close()
    assert await stored(table) == IDS


async def test_sync_has_a_row_in_the_journal_at_once(tmp_path: Path, table: Table) -> None:
    table.away = True
    ledger = make(tmp_path, table, sync=True)
    await ledger.start()
    ledger.record(ROWS[0])
    lines = b"".join(path.read_bytes() for path in (tmp_path / "journal").iterdir())
    assert lines.count(b"\n") == 1
    await ledger.close()


async def test_a_disk_that_refuses_is_waited_for_and_memory_is_bounded(
    tmp_path: Path, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = make(tmp_path, table)
    await ledger.start()

    def refuse(_journal: Journal, _lines: bytes) -> None:
        raise FullError

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", refuse)
        patched.setattr(ledger_module, "MEMORY_ROWS", 1000)
        for row in ROWS:
            ledger.record(row)
        await ledger.write()
        assert ledger.lost == 200
    await ledger.close()
    assert await stored(table) == IDS[:1000]


async def test_what_a_full_journal_did_not_take_comes_when_it_has_been_delivered(tmp_path: Path, table: Table) -> None:
    table.away = True
    ledger = Ledger(Journal(tmp_path / "journal", 250_000), table, sync=False, retention=None)
    await ledger.start()
    for row in ROWS[:200]:
        ledger.record(row)
    await ledger.write()
    for row in ROWS[200:]:
        ledger.record(row)
    await ledger.write()
    assert len(ledger._rows) >= 500
    table.away = False
    await ledger.close()
    assert await stored(table) == IDS
    assert ledger.lost == 0


async def test_half_a_line_of_a_dead_process_is_no_row(tmp_path: Path, table: Table) -> None:
    dead = Journal(tmp_path / "journal", LIMIT)
    dead.open()
    dead.append(ledger_module._line(("a", ROWS[0])) + ledger_module._line(("b", ROWS[1]))[:-20])
    dead.seal()
    assert dead._lock is not None
    dead._lock.close()
    ledger = make(tmp_path, table)
    await ledger.start()
    await ledger.deliver()
    assert await stored(table) == IDS[:1]
    await ledger.close()


async def test_rows_that_are_too_old_are_deleted(tmp_path: Path, table: Table) -> None:
    new = record(1)
    await table.add([("old", record(0, at=time.time() - 100)), ("new", new)])
    ledger = make(tmp_path, table, retention=50.0)
    await ledger.start()
    async with asyncio.timeout(30):
        while await stored(table) != [new.id]:  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0.05)
    await ledger.close()


@pytest.mark.slow
@pytest.mark.needs("postgres")
async def test_postgresql_away_for_a_minute_under_load_loses_nothing(tmp_path: Path, server: Postgres) -> None:
    database = Database(parse(server.database()))
    table = UsageTable(database)
    ledger = make(tmp_path, table)
    await ledger.start()
    await ledger.deliver()
    slowest, count = 0.0, 0
    for second in range(70):
        if second in {3, 63}:
            await asyncio.to_thread(server.stop if second == 3 else server.start)
        for _ in range(100):
            started = time.perf_counter()
            ledger.record(record(count, at=float(count)))
            slowest = max(slowest, time.perf_counter() - started)
            count += 1
            await asyncio.sleep(0.01)
    await ledger.close()
    assert await stored(table) == [record(number).id for number in range(count)]
    assert slowest < 0.05
    await database.close()


@pytest.mark.needs("postgres")
async def test_postgresql_stopped_and_started_again_loses_nothing(tmp_path: Path, server: Postgres) -> None:
    database = Database(parse(server.database()))
    table = UsageTable(database)
    ledger = make(tmp_path, table)
    await ledger.start()
    await ledger.deliver()
    for number, row in enumerate(ROWS):
        ledger.record(row)
        if number == 300:
            await ledger.write()
            await ledger.deliver()
            await asyncio.to_thread(server.stop)
    started = time.perf_counter()
    ledger.record(record(9999, at=9999.0))
    assert time.perf_counter() - started < 0.01
    await ledger.write()
    await asyncio.to_thread(server.start)
    await until(lambda: not list((tmp_path / "journal").glob("*.sealed")) and not ledger._rows)
    await ledger.close()
    assert await stored(table) == [*IDS, "req_00009999"]
    await database.close()
