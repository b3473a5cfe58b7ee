"""What all `Attempts` do, wherever they are counted."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from forebay.auth.attempts import MemoryAttempts
from forebay.core.attempts import Attempts
from forebay.core.errors import RateLimitError
from forebay.limits.attempts import AttemptCounter
from forebay.settings import LimitsSettings, Secret
from tests.support.redis_server import RedisServer, redis_server


@contextlib.asynccontextmanager
async def counting(server: RedisServer) -> AsyncIterator[AttemptCounter]:
    """What one process has of the Redis."""
    made = AttemptCounter(LimitsSettings(Secret(server.url), timeout=5.0, pause=0.01))
    await made.start()
    yield made
    await made.close()


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.needs("redis"))])
async def attempts(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Attempts]:
    if request.param == "memory":
        yield MemoryAttempts()
        return
    with redis_server(tmp_path) as server:
        async with counting(server) as counter:
            yield counter.of("password", MemoryAttempts())


async def passed(attempts: Attempts, *addresses: str) -> int:
    """How many are let through."""
    found = 0
    for address in addresses:
        with contextlib.suppress(RateLimitError):
            await attempts.begin(address)
            found += 1
    return found


async def test_an_address_has_ten(attempts: Attempts) -> None:
    assert await passed(attempts, *["10.0.0.1"] * 20) == 10
    assert await passed(attempts, "10.0.0.2") == 1
    with pytest.raises(RateLimitError) as caught:
        await attempts.begin("10.0.0.1")
    assert 50 <= int(caught.value.headers["retry-after"]) <= 60


async def test_all_together_have_a_hundred(attempts: Attempts) -> None:
    assert 100 <= await passed(attempts, *[f"10.0.{number}.1" for number in range(200)]) <= 101


async def test_right_ones_do_not_count(attempts: Attempts) -> None:
    for _ in range(150):
        await attempts.begin("10.0.0.1")
        await attempts.succeeded("10.0.0.1")
    assert await passed(attempts, *["10.0.0.1"] * 20) == 10


async def test_a_network_of_ipv6_is_one_address(attempts: Attempts) -> None:
    assert await passed(attempts, *[f"2001:db8::{number:x}" for number in range(20)]) == 10
    assert await passed(attempts, "2001:db8:0:1::1", "", "no address") == 3


@pytest.mark.needs("redis")
async def test_processes_count_together_and_each_secret_for_itself(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with counting(server) as one, counting(server) as other:
            first, second = one.of("password", MemoryAttempts()), other.of("password", MemoryAttempts())
            assert await passed(first, *["10.0.0.1"] * 6) == 6
            assert await passed(second, *["10.0.0.1"] * 6) == 4
            assert await passed(other.of("secret", MemoryAttempts()), *["10.0.0.1"] * 20) == 10
            client = server.client()
            assert all(0 < client.ttl(key) <= 600 for key in client.scan_iter())
            client.close()


@pytest.mark.needs("redis")
async def test_without_the_redis_each_process_counts_for_itself(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with counting(server) as counter:
            attempts = counter.of("password", MemoryAttempts())
            assert await passed(attempts, *["10.0.0.1"] * 5) == 5
            server.kill()
            assert await passed(attempts, *["10.0.0.1"] * 20) == 10
            await attempts.succeeded("10.0.0.1")
            assert await passed(attempts, "10.0.0.1") == 1
