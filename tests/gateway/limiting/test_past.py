"""What was spent before: asked once, in time, and never in a request's way for long."""

import asyncio
from collections.abc import Sequence

import pytest

from forebay.core.errors import UnavailableError
from forebay.core.ledger import Group, UsageQuery, UsageSum
from forebay.core.types import Record
from forebay.gateway.limiting import past
from forebay.gateway.limiting.past import Past
from forebay.gateway.limiting.periods import period

NOON = 1_795_435_200.0
DAY = period("budget_day", NOON)
ALICE = ("team", "alice")


class Book:
    """A ledger that may be away or slow."""

    def __init__(self) -> None:
        self.asked: list[UsageQuery] = []
        self.away = False
        self.answering = asyncio.Event()
        self.answering.set()

    async def rows(self, query: UsageQuery, limit: int) -> Sequence[Record]:
        raise NotImplementedError

    async def sums(self, query: UsageQuery, _by: Group) -> Sequence[UsageSum]:
        self.asked.append(query)
        await self.answering.wait()
        if self.away:
            raise UnavailableError("away")
        return [UsageSum("team", 2, 3, 4, 0, 70, 0)]


def test_periods_are_of_the_calendar_in_utc() -> None:
    assert (DAY.name, DAY.ends - DAY.begins) == ("2026-11-23", 86_400)
    month = period("budget_month", NOON)
    assert (month.name, month.ends - month.begins) == ("2026-11", 30 * 86_400)
    assert period("budget_month", month.ends).name == "2026-12"
    assert period("budget_month", period("budget_month", month.ends).ends).name == "2027-01"
    assert period("budget_day", DAY.ends - 0.001).name == "2026-11-23"


async def test_the_ledger_is_asked_once_by_however_many_at_once() -> None:
    book = Book()
    known = Past(book, lambda: NOON)
    assert await asyncio.gather(*(known.spent(ALICE, DAY) for _ in range(5))) == [70] * 5
    assert await known.spent(ALICE, DAY) == 70
    assert book.asked == [UsageQuery("team", "alice", since=DAY.begins, until=NOON)]
    await known.spent(("team", None), DAY)
    assert len(book.asked) == 2


async def test_without_a_ledger_nothing_was_spent() -> None:
    assert await Past(None).spent(ALICE, DAY) == 0


async def test_while_it_is_away_nothing_is_known_and_requests_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    book, now = Book(), NOON
    known = Past(book, lambda: now)
    book.away = True
    assert await known.spent(ALICE, DAY) is None
    assert await known.spent(ALICE, DAY) is None
    assert len(book.asked) == 1
    assert "count from now on" in caplog.text
    book.away, now = False, NOON + 60
    monkeypatch.setattr(known, "_away_until", 0.0)
    assert await known.spent(ALICE, DAY) == 70
    assert book.asked[-1].until == NOON  # what came after is counted here


async def test_a_slow_ledger_holds_nobody_up_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "PATIENCE", 0.01)
    book = Book()
    known = Past(book, lambda: NOON)
    book.answering.clear()
    assert await known.spent(ALICE, DAY) is None
    await known.close()
    assert not known._asking
