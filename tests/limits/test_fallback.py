"""A Redis that goes and comes back: what is counted meanwhile, what is said, and what is made up for."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from forebay.core.errors import UnavailableError
from forebay.core.limits import Amount, Budget, Grant, Holder, Level, Refusal
from forebay.limits.fallback import Fallback
from forebay.limits.redis import AHEAD, LEASE_SECONDS, RedisCounters
from forebay.settings import LimitsSettings, Secret
from tests.support.redis_server import RedisServer, redis_server
from tests.support.until import until

pytestmark = pytest.mark.needs("redis")

NOTHING = Amount()
PAUSE = 0.05
TEAM = Holder("tenant", "t", "t", budgets=(Budget("budget_month", "2026-11", 100, 4e9),))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


def settings(server: RedisServer) -> LimitsSettings:
    return LimitsSettings(Secret(server.url), timeout=5.0, pause=PAUSE)


@pytest.fixture
async def counters(server: RedisServer) -> AsyncIterator[Fallback]:
    made = Fallback(RedisCounters(settings(server)), closed=False)
    await made.start()
    yield made
    await made.close()


async def spend(counters: Fallback, cost: int, holder: Holder = TEAM) -> tuple[int, ...]:
    grant = await counters.take([holder], Amount(0, cost))
    assert isinstance(grant, Grant), grant
    counters.settle(grant, Amount(0, cost))
    return grant.levels[0].spent


def in_redis(server: RedisServer) -> int:
    with server.client() as client:
        found = client.hget("forebay:limits:tenant:t:spent:2026-11", "since")
        return int(found or 0)


async def test_connections_are_made_before_the_first_request(counters: Fallback, server: RedisServer) -> None:
    with server.client() as client:
        assert len(client.client_list()) == AHEAD + 1
    first = [counters.take([TEAM], NOTHING) for _ in range(AHEAD)]
    assert all(isinstance(each, Grant) for each in await asyncio.gather(*first))
    with server.client() as client:
        assert len(client.client_list()) == AHEAD + 1


async def test_while_it_is_away_this_process_counts_and_then_tells_what_was_spent(
    counters: Fallback, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    key = Holder("key", "a", "a", rpm=2)
    assert await spend(counters, 60) == (60,)
    await until(lambda: in_redis(server) == 60)
    with server.client() as client:
        kept = client.hgetall("forebay:limits:tenant:t:spent:2026-11")
    server.kill()
    assert [isinstance(await counters.take([key], NOTHING), Grant) for _ in range(3)] == [True, True, False]
    assert await spend(counters, 30) == (90,)
    refused = await counters.take([TEAM], Amount(0, 20))
    assert isinstance(refused, Refusal)
    assert refused.level.spent == (90,)
    assert counters.gauges()["up"] == 0
    server.start()
    with server.client() as client:
        client.hset("forebay:limits:tenant:t:spent:2026-11", mapping=kept)
    await until(lambda: in_redis(server) == 90)
    await until(lambda: counters.gauges()["up"] == 1)
    assert await spend(counters, 5) == (95,)
    assert caplog.text.count("does not answer") == 1
    assert "each process counts for itself" in caplog.text
    assert caplog.text.count("answers again") == 1


async def test_a_redis_that_has_forgotten_everything_is_told_what_was_spent(
    counters: Fallback, server: RedisServer
) -> None:
    assert await spend(counters, 60) == (60,)
    server.kill()
    assert await spend(counters, 20) == (80,)
    server.start()
    await until(lambda: in_redis(server) == 20)
    assert await spend(counters, 5) == (85,)
    refused = await counters.take([TEAM], Amount(0, 20))
    assert isinstance(refused, Refusal)


async def test_what_is_known_of_a_budget_is_what_was_settled(counters: Fallback, server: RedisServer) -> None:
    grant = await counters.take([TEAM], Amount(0, 90))
    assert isinstance(grant, Grant)
    counters.settle(grant, Amount(0, 15))
    await until(lambda: in_redis(server) == 15)
    server.kill()
    assert await counters.look([TEAM]) == [Level(spent=(15,))]


async def test_a_request_that_began_before_an_outage_is_paid_for_after_it(
    counters: Fallback, server: RedisServer
) -> None:
    grant = await counters.take([TEAM], Amount(0, 10))
    assert isinstance(grant, Grant)
    server.kill()
    counters.settle(grant, Amount(0, 40))
    await asyncio.sleep(PAUSE)
    server.start()
    await until(lambda: in_redis(server) == 30)  # what was reserved is gone with the Redis that forgot it


async def test_closed_means_that_nobody_with_limits_passes(server: RedisServer) -> None:
    counters = Fallback(RedisCounters(settings(server)), closed=True)
    await counters.start()
    server.kill()
    with pytest.raises(UnavailableError, match="cannot be counted") as caught:
        await counters.take([TEAM], NOTHING)
    assert caught.value.headers["retry-after"] == "1"
    with pytest.raises(UnavailableError):
        await counters.look([TEAM])
    server.start()
    await asyncio.sleep(2 * PAUSE)
    assert await spend(counters, 1) == (1,)
    await counters.close()


async def test_a_request_that_was_given_up_while_it_was_counted_is_not(counters: Fallback, server: RedisServer) -> None:
    holder = Holder("key", "a", "a", parallel=1)
    await counters.look([holder, TEAM])
    with server.client() as client:
        client.execute_command("CLIENT", "PAUSE", "200", "ALL")
    taking = asyncio.create_task(counters.take([holder, TEAM], Amount(0, 7)))
    await asyncio.sleep(0.05)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    async with asyncio.timeout(10):
        while True:
            one, other = await counters.look([holder, TEAM])
            if not one.running and other.spent == (0,):
                break
            await asyncio.sleep(0.02)


async def test_places_of_a_process_that_was_killed_are_free_in_a_while(counters: Fallback, server: RedisServer) -> None:
    holder = Holder("key", "a", "a", parallel=1)
    assert isinstance(await counters.take([holder], NOTHING), Grant)
    with server.client() as client:
        ((_, until_then),) = client.zrange("forebay:limits:key:a:places", 0, -1, withscores=True)
        seconds, _ = client.time()
        assert 0 < until_then - seconds <= LEASE_SECONDS + 1
        client.zadd("forebay:limits:key:a:places", {"dead": seconds - 1})
    (level,) = await counters.look([holder])
    assert level.running == 1


async def test_places_of_long_requests_are_kept(counters: Fallback, server: RedisServer) -> None:
    holder = Holder("key", "a", "a", parallel=1)
    grant = await counters.take([holder], NOTHING)
    assert isinstance(grant, Grant)
    name = "forebay:limits:key:a:places"
    with server.client() as client:
        seconds, _ = client.time()
        client.zadd(name, {grant.id: seconds + 1}, xx=True)
        await counters._redis._prolong()
        assert client.zscore(name, grant.id) > seconds + LEASE_SECONDS - 1


async def test_whatever_is_kept_there_ends(counters: Fallback, server: RedisServer) -> None:
    holders = [Holder("key", "a", "a", rpm=5, tpm=5, parallel=1), TEAM]
    grant = await counters.take(holders, Amount(2, 2))
    assert isinstance(grant, Grant)
    counters.settle(grant, Amount(3, 3))
    await until(lambda: in_redis(server) == 3)
    with server.client() as client:
        for name in client.scan_iter():
            assert client.ttl(name) > 0


async def test_a_server_whose_clock_was_set_back_neither_gives_more_nor_refuses_until_then(
    counters: Fallback, server: RedisServer
) -> None:
    holder = Holder("key", "a", "a", rpm=1200)
    for _ in range(1200):
        await counters.take([holder], NOTHING)
    with server.client() as client:
        seconds, _ = client.time()
        client.hset("forebay:limits:key:a:rate", mapping={"at": seconds + 3600, "requests": 1200})
    assert isinstance(await counters.take([holder], NOTHING), Refusal)
    await asyncio.sleep(0.1)
    assert isinstance(await counters.take([holder], NOTHING), Grant)
