"""What every `Counters` does, wherever it keeps the counts."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from forebay.core.limits import Amount, Budget, Counters, Grant, Holder, Level, Refusal
from forebay.limits.fallback import Fallback
from forebay.limits.memory import MemoryCounters
from forebay.limits.redis import RedisCounters
from forebay.settings import LimitsSettings, Secret
from tests.support.redis_server import redis_server

NOTHING = Amount()
FOREVER = 4e9
DAY, MONTH = "2026-11-23", "2026-11"


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.needs("redis"))])
async def counters(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Counters]:
    if request.param == "memory":
        yield MemoryCounters()
        return
    with redis_server(tmp_path) as server:
        made = Fallback(RedisCounters(LimitsSettings(Secret(server.url), timeout=5.0)), closed=True)
        await made.start()
        yield made
        await made.close()


def key(name: str = "alice", *, rpm: int | None = None, tpm: int | None = None, parallel: int | None = None) -> Holder:
    return Holder("key", name, name, rpm, tpm, parallel)


def budgeted(day: int, month: int | None = None, *, before: int | None = 0) -> Holder:
    budgets = [Budget("budget_day", DAY, day, FOREVER, before)]
    if month is not None:
        budgets.append(Budget("budget_month", MONTH, month, FOREVER, before))
    return Holder("tenant", "team", "team", budgets=tuple(budgets))


async def granted(counters: Counters, *holders: Holder, amount: Amount = NOTHING) -> Grant:
    got = await counters.take(holders, amount)
    assert isinstance(got, Grant), got
    return got


async def refused(counters: Counters, *holders: Holder, amount: Amount = NOTHING) -> Refusal:
    got = await counters.take(holders, amount)
    assert isinstance(got, Refusal), got
    return got


async def level(counters: Counters, holder: Holder) -> Level:
    (found,) = await counters.look([holder])
    return found


async def reaches(counters: Counters, holder: Holder, wanted: Callable[[Level], bool]) -> None:
    """What has ended is settled soon, not at once."""
    async with asyncio.timeout(10):
        while not wanted(await level(counters, holder)):  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0.005)


async def test_a_full_bucket_at_once_and_then_as_it_fills(counters: Counters) -> None:
    holder = key(rpm=120)
    began, passed = time.monotonic(), 0
    while isinstance(last := await counters.take([holder], NOTHING), Grant):
        passed += 1
    assert 120 <= passed <= 121 + (time.monotonic() - began) * 2
    assert last.quantity == "requests"
    assert 0 < last.wait <= 0.5
    await asyncio.sleep(last.wait + 0.05)
    assert isinstance(await counters.take([holder], NOTHING), Grant)


async def test_tokens_are_reserved_and_settled(counters: Counters) -> None:
    holder = key(tpm=600)
    grant = await granted(counters, holder, amount=Amount(500))
    assert grant.levels[0].tokens == 500
    assert (await refused(counters, holder, amount=Amount(300))).quantity == "tokens"
    counters.settle(grant, Amount(100))
    await reaches(counters, holder, lambda found: found.tokens <= 100)
    assert (await refused(counters, holder, amount=Amount(700))).wait == float("inf")
    counters.settle(await granted(counters, holder, amount=Amount(400)), Amount(1400))
    await reaches(counters, holder, lambda found: found.tokens > 1300)
    assert (await refused(counters, holder, amount=Amount(1))).wait > 60


async def test_places_are_free_again_when_requests_end(counters: Counters) -> None:
    holder = key(parallel=2)
    first, _ = [await granted(counters, holder) for _ in range(2)]
    last = await refused(counters, holder)
    assert (last.quantity, last.wait, last.level.running) == ("parallel", 1.0, 2)
    counters.settle(first, NOTHING)
    await reaches(counters, holder, lambda found: found.running == 1)
    await granted(counters, holder)


async def test_where_one_refuses_nothing_is_taken_of_the_others(counters: Counters) -> None:
    alice, team, model = key(rpm=100, tpm=1000), budgeted(100), Holder("model", "m", "m", 100, parallel=1)
    grant = await granted(counters, model)
    for _ in range(3):
        last = await refused(counters, alice, team, model, amount=Amount(50, 10))
        assert last.holder == model
    assert await counters.look([alice, team]) == [Level(), Level(spent=(0,))]
    counters.settle(grant, NOTHING)
    await reaches(counters, model, lambda found: not found.running)
    both = await granted(counters, alice, team, model, amount=Amount(50, 10))
    assert [each.running for each in both.levels] == [1, 1, 1]
    assert both.levels[1].spent == (10,)


async def test_the_refusal_names_what_lasts_longest(counters: Counters) -> None:
    slow, fast = key("slow", rpm=1), Holder("tenant", "t", "t", 60)
    await granted(counters, slow)
    for _ in range(60):
        await granted(counters, fast)
    assert (await refused(counters, fast, slow)).holder == slow
    assert (await refused(counters, slow, fast)).holder == slow


async def test_money_is_exact_reserved_and_settled(counters: Counters) -> None:
    dollar = 10**12
    holder = budgeted(5_000_000 * dollar + 3, 6_000_000 * dollar)
    grant = await granted(counters, holder, amount=Amount(0, 5_000_000 * dollar + 1))
    assert grant.levels[0].spent == (5_000_000 * dollar + 1,) * 2
    counters.settle(grant, Amount(0, 3 * dollar + 1))
    await reaches(counters, holder, lambda found: found.spent == (3 * dollar + 1,) * 2)
    over = await refused(counters, holder, amount=Amount(0, 5_000_000 * dollar))
    assert over.quantity == "budget_day"
    assert over.level.spent[0] == 3 * dollar + 1
    assert over.wait > 1e6


async def test_a_budget_that_is_used_up_refuses_also_what_is_free(counters: Counters) -> None:
    holder = budgeted(10)
    counters.settle(await granted(counters, holder, amount=Amount(0, 1)), Amount(0, 12))
    await reaches(counters, holder, lambda found: found.spent == (12,))
    assert (await refused(counters, holder)).quantity == "budget_day"


async def test_what_was_spent_before_counts_once_however_late_it_is_known(counters: Counters) -> None:
    counters.settle(await granted(counters, budgeted(100, before=None)), Amount(0, 5))
    await reaches(counters, budgeted(100, before=None), lambda found: found.spent == (5,))
    for _ in range(3):
        assert (await level(counters, budgeted(100, before=90))).spent == (95,)
    assert (await refused(counters, budgeted(100, before=90), amount=Amount(0, 6))).quantity == "budget_day"


async def test_names_are_apart_whatever_stands_in_them(counters: Counters) -> None:
    one, other = key("a:rate\r\nFLUSHALL", rpm=1), Holder("tenant", "a:rate\r\nFLUSHALL", "x", 1)
    await granted(counters, one)
    await granted(counters, other)
    assert (await refused(counters, one)).holder == one
