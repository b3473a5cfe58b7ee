"""The store in a real Redis: outages, and what is no entry."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from forebay.cache.codec import encode
from forebay.cache.redis import RedisSettings, RedisStore
from forebay.core.entries import CacheUnavailableError, Entry
from forebay.settings import Secret, SettingsError, section
from tests.support.redis_server import RedisServer, redis_server

pytestmark = pytest.mark.needs("redis")

KEY = b"k" * 32
TIMEOUT, PAUSE = 0.25, 0.1


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


@pytest.fixture
async def store(server: RedisServer) -> AsyncIterator[RedisStore]:
    made = RedisStore(RedisSettings(Secret(server.url), TIMEOUT, PAUSE))
    await made.start()
    yield made
    await made.close()


def entry(seconds: float = 100) -> Entry:
    return Entry(b"{}", time.time(), time.time() + seconds)


async def test_redis_itself_lets_entries_expire(store: RedisStore, server: RedisServer) -> None:
    await store.put(KEY, entry(50))
    with server.client() as client:
        assert 0 < client.pttl(b"forebay:cache:" + KEY) <= 50_000


@pytest.mark.parametrize("value", [b"", b"FBC", b"FBC\x02" + encode(entry())[4:], encode(entry())[:-3], b"hello"])
async def test_a_value_of_another_version_or_cut_off_is_a_miss_and_is_counted(
    store: RedisStore, server: RedisServer, value: bytes
) -> None:
    with server.client() as client:
        client.set(b"forebay:cache:" + KEY, value)
        assert await store.get(KEY) is None
        assert store.gauges()["unreadable_total"] == 1
        assert not client.exists(b"forebay:cache:" + KEY)


async def test_a_value_that_is_no_string_is_an_unreadable_one_and_no_outage(
    store: RedisStore, server: RedisServer
) -> None:
    with server.client() as client:
        client.lpush(b"forebay:cache:" + KEY, b"x")
        assert await store.get(KEY) is None
        assert not client.exists(b"forebay:cache:" + KEY)
    assert (store.gauges()["unreadable_total"], store.gauges()["up"]) == (1, 1)


async def test_a_full_redis_is_still_read_and_the_log_says_that_it_is_full(
    store: RedisStore, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    await store.put(KEY, entry())
    with server.client() as client:
        client.config_set("maxmemory", 1)
    for _ in range(3):
        with pytest.raises(CacheUnavailableError):
            await store.put(b"l" * 32, entry())
        assert await store.get(KEY) is not None
    assert store.gauges()["up"] == 1
    assert caplog.text.count("maxmemory") == 1


async def test_what_others_keep_there_is_left_alone(store: RedisStore, server: RedisServer) -> None:
    with server.client() as client:
        client.set(b"theirs", b"x")
        await store.put(KEY, entry())
        assert (await store.stats()).entries == 1
        assert [key async for key, _ in store.scan()] == [KEY]
        assert client.exists(b"theirs")


async def test_a_dead_redis_costs_one_time_out_in_a_while_and_its_return_is_noticed(
    store: RedisStore, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    await store.put(KEY, entry())
    server.kill()
    with pytest.raises(CacheUnavailableError):
        await store.get(KEY)
    started = time.perf_counter()
    for _ in range(1000):
        with pytest.raises(CacheUnavailableError):
            await store.get(KEY)
    assert time.perf_counter() - started < PAUSE + TIMEOUT
    assert store.gauges()["up"] == 0
    assert caplog.text.count("does not answer") == 1
    server.start()

    async def answers() -> bool:
        try:
            await store.put(KEY, entry())
        except CacheUnavailableError:
            return False
        return True

    async with asyncio.timeout(10):
        while not await answers():  # noqa: ASYNC110  # the outage is over when it is over
            await asyncio.sleep(0.01)
    assert await store.get(KEY) is not None
    assert store.gauges()["up"] == 1
    assert "answers again" in caplog.text


async def test_a_server_that_accepts_and_says_nothing_costs_a_time_out(tmp_path: Path) -> None:
    connected = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        while await reader.read(1024):
            pass
        writer.close()

    listening = await asyncio.start_unix_server(silent, tmp_path / "s")
    store = RedisStore(RedisSettings(Secret(f"unix://{tmp_path / 's'}"), TIMEOUT, PAUSE))
    await store.start()
    started = time.perf_counter()
    with pytest.raises(CacheUnavailableError):
        await store.get(KEY)
    assert connected.is_set()
    assert time.perf_counter() - started < 2 * TIMEOUT
    await store.close()
    listening.close()
    await listening.wait_closed()


@pytest.mark.parametrize("url", ["http://x", "redis://h:port", "nonsense"])
def test_a_url_that_means_nothing_is_told_with_its_place(url: str) -> None:
    with pytest.raises(SettingsError) as error:
        section("redis", {"url": url}, path="cache.store").read(RedisSettings)
    assert "cache.store" in str(error.value)


def test_without_its_package_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['redis'] = None; import forebay.cache.redis"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'forebay[redis]'" in ran.stderr.splitlines()[-1]


def test_valkey_is_the_same_by_another_name() -> None:
    assert section("redis", {"url": "valkey://h:1/2"}).read(RedisSettings).url.reveal() == "valkey://h:1/2"
