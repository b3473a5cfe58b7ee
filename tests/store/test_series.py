"""Usage over time: in both databases the same, and the same as what a server without one tells of what it remembers."""

import asyncio
from collections.abc import Sequence

import msgspec

from forebay.core.series import MEASURES, Point, SeriesQuery, Verdicts, bucket
from forebay.core.story import Heard, Story
from forebay.core.types import Record
from forebay.meter.recent import Recent
from forebay.meter.series import RecentSeries
from forebay.store.database import Database
from forebay.store.series import SeriesTable
from forebay.store.storable import INTEGER_LIMIT
from forebay.store.usage import UsageTable
from tests.support.records import record

HOURS = SeriesQuery(0, 7 * 3600, 3600)


async def add(database: Database, records: Sequence[Record]) -> None:
    await UsageTable(database).add([(each.id, each) for each in records])


def told(points: Sequence[Point], name: str = "requests") -> list[tuple[int, str | None, int]]:
    return [(each.at, each.group, each.sums[MEASURES.index(name)]) for each in points]


def mixed() -> list[Record]:
    models = ("m", "n", "o")
    return [
        record(
            number,
            at=600.0 + 97 * number,
            model=models[number % 5 % 3],
            status=429 if number % 7 == 0 else 200,
            outcome="error" if number % 7 == 0 else "ok",
            tenant="team" if number % 2 else "others",
            ttft=number / 100 or None,
            tpot=number / 1000,
            latency=number / 10,
            cost=number * 1000,
            cache="hit" if number % 3 else "miss",
            story=Story(heard=(Heard("pii", "input", "fix", "fixed" if number % 4 else "passed", 0.01),)),
        )
        for number in range(60)
    ]


async def test_sums_by_step_and_group(database: Database) -> None:
    rows = [
        record(1, at=30.0, model="m", cost=5),
        record(2, at=59.9, model="m", cost=6),
        record(3, at=60.0, model="n", cost=7),
        record(4, at=3600.0, model="n", cost=None),
    ]
    await add(database, rows)
    series = SeriesTable(database)
    assert told(await series.points(HOURS)) == [(0, None, 3), (3600, None, 1)]
    assert told(await series.points(SeriesQuery(0, 3600, 60, by="model")), "cost") == [(0, "m", 11), (60, "n", 7)]
    assert told(await series.points(SeriesQuery(60, 3600, 60))) == [(60, None, 1)]
    assert told(await series.points(SeriesQuery(0, 7200, 3600, model="n", by="status"))) == [
        (0, "200", 1),
        (3600, "200", 1),
    ]
    assert await series.points(SeriesQuery(0, 3600, 60, tenant="' OR 1=1 --")) == []


async def test_the_largest_groups_stand_alone_and_the_others_together(database: Database) -> None:
    rows = [record(number, at=0.0, principal=f"p{min(number, 3)}", cost=0 if number else 9) for number in range(9)]
    await add(database, rows)
    series = SeriesTable(database)
    query = SeriesQuery(0, 3600, 3600, by="principal", groups=2)
    assert sorted(told(await series.points(query)), key=str) == [(0, "p0", 1), (0, "p3", 6), (0, None, 2)]
    costly = await series.points(msgspec.structs.replace(query, groups=1, costliest=True))
    assert {each.group for each in costly} == {"p0", None}


async def test_times_are_counted_and_a_row_that_is_brought_again_is_not(database: Database) -> None:
    rows = [record(number, at=9.0, ttft=0.1, tpot=None, latency=2.0) for number in range(3)]
    await add(database, rows[:2])
    await add(database, rows)
    await UsageTable(database).add([("req_00000000", rows[0]), ("new", rows[0]), ("new", rows[0])])
    (point,) = await SeriesTable(database).points(SeriesQuery(0, 60, 60, times=("ttft", "tpot")))
    assert point.sums[0] == 4
    assert set(point.counts) == {"ttft", "tpot"}
    assert point.counts["ttft"][bucket(0.1)] == sum(point.counts["ttft"]) == 4
    assert sum(point.counts["tpot"]) == 0


async def test_with_and_without_a_store_the_same_is_told(database: Database) -> None:
    rows = mixed()
    await add(database, rows)
    recent = Recent()
    recent(rows)
    for query in (
        SeriesQuery(0, 7200, 60, times=("ttft", "tpot", "latency")),
        SeriesQuery(0, 7200, 600, by="model", groups=2),
        SeriesQuery(0, 7200, 3600, by="status", tenant="team", times=("latency",)),
        SeriesQuery(0, 7200, 3600, by="model", groups=1, costliest=True, statuses=(400, 500)),
    ):
        stored, remembered = await SeriesTable(database).points(query), await RecentSeries(recent).points(query)
        assert sorted(map(_plain, stored)) == sorted(map(_plain, remembered))
        assert stored
        assert await SeriesTable(database).verdicts(query) == await RecentSeries(recent).verdicts(query)


def _plain(point: Point) -> tuple[object, ...]:
    return point.at, point.group or "", point.sums, {name: [*counts] for name, counts in point.counts.items()}.items()


async def test_verdicts_are_counted(database: Database) -> None:
    await add(database, mixed())
    assert await SeriesTable(database).verdicts(HOURS) == [
        Verdicts(0, "pii", "fixed", 23),
        Verdicts(0, "pii", "passed", 8),
        Verdicts(3600, "pii", "fixed", 22),
        Verdicts(3600, "pii", "passed", 7),
    ]


async def test_cells_go_with_their_rows(database: Database) -> None:
    await add(database, mixed())
    await UsageTable(database).forget(3600.0)
    assert [at for at, _, _ in told(await SeriesTable(database).points(HOURS))] == [3600]
    assert {each.at for each in await SeriesTable(database).verdicts(HOURS)} == {3600}


async def test_no_figure_is_too_much(database: Database) -> None:
    for number in range(3):
        await add(database, [record(number, at=1.0, cost=10**30, prompt_tokens=10**30)])
    assert told(await SeriesTable(database).points(HOURS), "cost") == [(0, None, INTEGER_LIMIT)]


async def test_two_servers_count_in_the_same_cells(database: Database) -> None:
    rows = mixed()
    await add(database, rows[:1])  # the schema
    await asyncio.gather(*(add(database, rows[number::4]) for number in range(4)))
    assert sum(count for _, _, count in told(await SeriesTable(database).points(HOURS))) == len(rows)
