"""Rows of usage: each once, as they were, and nobody else's."""

import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from forebay.core.ledger import UsageQuery, UsageSum
from forebay.core.types import Attempt, Record
from forebay.store.database import Database
from forebay.store.storable import INTEGER_LIMIT, TEXT_LIMIT
from forebay.store.usage import UsageTable, row
from tests.support.records import record


async def add(table: UsageTable, records: Sequence[Record]) -> None:
    await table.add([(each.id, each) for each in records])


async def test_rows_come_back_as_they_were_oldest_first(database: Database) -> None:
    table = UsageTable(database)
    attempts = (
        Attempt("m", "p/m", "first", 0.0, 0.1, "upstream_error"),
        Attempt("m", "q/m", "fallback", 0.1, 0.2, "ok"),
    )
    told = [record(2, at=20.25), record(1, at=10.5, attempts=attempts, cost=None, ttft=None)]
    await add(table, told)
    assert await table.rows(UsageQuery(), 10) == [told[1], told[0]]


async def test_a_row_that_is_brought_again_is_not_there_twice(database: Database) -> None:
    table = UsageTable(database)
    rows = [record(number, at=float(number)) for number in range(20)]
    await add(table, rows[:15])
    await add(table, rows)
    assert await table.rows(UsageQuery(), 100) == rows


async def test_pages_follow_each_other_also_at_one_moment(database: Database) -> None:
    table = UsageTable(database)
    rows = [record(number, at=float(number // 4)) for number in range(10)]
    await add(table, rows)
    query = UsageQuery()
    seen: list[Record] = []
    while page := await table.rows(query, 3):
        seen += page
        query = UsageQuery(after=(page[-1].at, page[-1].id))
    assert seen == rows


async def test_a_query_says_whose_and_when(database: Database) -> None:
    table = UsageTable(database)
    ours = record(1, at=5.0, tenant="ours", principal="bob", model="x")
    await add(table, [ours, record(2, at=5.0), record(3, at=9.0, tenant="ours", principal="bob", model="x")])
    query = UsageQuery(tenant="ours", principal="bob", model="x", since=5.0, until=9.0)
    assert await table.rows(query, 10) == [ours]
    assert await table.rows(UsageQuery(tenant="' OR 1=1 --"), 10) == []


async def test_sums_tell_the_costliest_first_and_what_has_no_price(database: Database) -> None:
    table = UsageTable(database)
    await add(
        table,
        [
            record(1, model="cheap", cost=1),
            record(2, model="dear", cost=10),
            record(3, model="dear", cost=None),
            record(4, model="dear", cost=None, outcome="error"),
        ],
    )
    assert await table.sums(UsageQuery(), "model") == [
        UsageSum("dear", 3, 21, 15, 0, 10, 1),
        UsageSum("cheap", 1, 7, 5, 0, 1, 0),
    ]


async def test_old_rows_are_forgotten(database: Database) -> None:
    table = UsageTable(database)
    new = record(2, at=10.0)
    await add(table, [record(1, at=5.0), new])
    assert await table.forget(10.0) == 1
    assert await table.forget(10.0) == 0
    assert await table.rows(UsageQuery(), 10) == [new]


HOSTILE = "x\0'; DROP TABLE usage; --\u202e\r\n" + "é" * 1000


async def test_hostile_values_are_stored_and_never_in_the_way(database: Database) -> None:
    table = UsageTable(database)
    told = record(1, model=HOSTILE, principal=HOSTILE, prompt_tokens=10**30, cost=10**30, latency=math.inf)
    await add(table, [told, record(2)])
    (found,) = await table.rows(UsageQuery(model=HOSTILE), 10)
    assert found.model == HOSTILE.replace("\0", "\ufffd")[:TEXT_LIMIT]
    assert (found.prompt_tokens, found.cost, found.latency) == (INTEGER_LIMIT, INTEGER_LIMIT, math.inf)


@given(text=st.text(), number=st.integers())
def test_no_row_is_more_than_a_database_takes(text: str, number: int) -> None:
    made = row(
        record(1, model=text, deployment=text, completion_tokens=number, attempts=(Attempt(text, text, "", 0.0),))
    )
    assert len(made["model"]) <= TEXT_LIMIT
    assert "\0" not in made["model"] + made["details"]
    assert "\\u0000" not in made["details"]
    assert abs(made["completion_tokens"]) <= INTEGER_LIMIT


async def test_adding_nothing_is_fine(database: Database) -> None:
    await UsageTable(database).add([])
    assert await UsageTable(database).rows(UsageQuery(), 1) == []
