"""What every store of replies must do, whatever it keeps them in."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from forebay.cache.layered import LayeredStore
from forebay.cache.memory import MemoryStore
from forebay.core.entries import Entry, Question, Selection
from forebay.core.ports import CacheStore
from forebay.core.types import Usage
from forebay.plugins import CACHES
from forebay.settings import section
from tests.support.cached import Clock
from tests.support.redis_server import RedisServer

KINDS = ["memory", "sqlite", pytest.param("redis", marks=pytest.mark.needs("redis")), "layered", "gptcache"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[CacheStore]:
    made = _made(request.param, request, tmp_path, clock)
    await made.start()
    yield made
    await made.delete_where(Selection())
    await made.close()


def _made(kind: str, request: pytest.FixtureRequest, folder: Path, clock: Clock) -> CacheStore:
    if kind == "memory":
        return MemoryStore(10**7, clock)
    options: dict[str, object] = {"path": str(folder / "new" / "cache.db")}
    if kind == "redis":
        server: RedisServer = request.getfixturevalue("redis")
        options = {"url": server.url, "timeout": 5.0}
    if kind == "gptcache":
        options = {"path": str(folder / "data_map.txt")}
    plugin = CACHES.plugin("sqlite" if kind == "layered" else kind)
    built: CacheStore = plugin.build(section("x", options).read(plugin.settings))
    built._clock = clock  # type: ignore[attr-defined]
    return LayeredStore(MemoryStore(10**7, clock), built, 5.0, clock) if kind == "layered" else built


def key(name: object) -> bytes:
    return hashlib.sha256(str(name).encode()).digest()


def entry(clock: Clock, body: bytes = b'{"a":1}', **labels: str) -> Entry:
    return Entry(body, clock.now, clock.now + 100, **labels)  # type: ignore[arg-type]


async def test_what_was_put_is_got_whole(store: CacheStore, clock: Clock) -> None:
    question = Question(key("scope"), "What is a forebay? \N{BLACK STAR}", bytes(range(256)), "mini/1")
    put = Entry(
        b'{"a":"\xc3\xa9"}', clock.now, clock.now + 9, "t", "n", "m", "chat/completions", "p/x", Usage(3, 1), question
    )
    await store.put(key(1), put)
    got = await store.get(key(1))
    assert got is not None
    assert msgspec.structs.replace(got, expires=put.expires) == put
    assert await store.get(key(2)) is None


async def test_a_key_has_its_last_entry(store: CacheStore, clock: Clock) -> None:
    for body in (b"1", b"2"):
        await store.put(key(1), entry(clock, body))
    got = await store.get(key(1))
    assert got is not None
    assert got.body == b"2"
    assert (await store.stats()).entries == 1


async def test_nothing_outlives_its_time_however_often_it_is_asked_for(store: CacheStore, clock: Clock) -> None:
    await store.put(key(1), entry(clock))
    clock.now += 99
    assert await store.get(key(1)) is not None
    clock.now += 1
    assert await store.get(key(1)) is None
    assert [each async for each in store.scan()] == []


async def test_what_was_made_in_the_future_is_not_trusted(store: CacheStore, clock: Clock) -> None:
    await store.put(key(1), entry(clock))
    clock.now -= 1000
    assert await store.get(key(1)) is None


async def test_what_is_deleted_is_gone(store: CacheStore, clock: Clock) -> None:
    await store.put(key(1), entry(clock))
    assert await store.delete(key(1))
    assert not await store.delete(key(1))
    assert await store.get(key(1)) is None


@pytest.mark.parametrize(
    ("selection", "left"),
    [
        (Selection(), set()),
        (Selection(tenant="a"), {"b/n/m", "b/o/m"}),
        (Selection(tenant="b", namespace="n"), {"a/n/m", "a/n/o", "b/o/m"}),
        (Selection(model="m"), {"a/n/o"}),
        (Selection(tenant="nobody"), {"a/n/m", "a/n/o", "b/n/m", "b/o/m"}),
    ],
)
async def test_what_belongs_together_is_deleted_together(
    store: CacheStore, clock: Clock, selection: Selection, left: set[str]
) -> None:
    every = {"a/n/m", "a/n/o", "b/n/m", "b/o/m"}
    for name in every:
        tenant, namespace, model = name.split("/")
        await store.put(key(name), entry(clock, tenant=tenant, namespace=namespace, model=model))
    assert await store.delete_where(selection) == len(every - left)
    assert {name for name in every if await store.get(key(name)) is not None} == left


async def test_a_scan_finds_everything_once(store: CacheStore, clock: Clock) -> None:
    keys = {key(number) for number in range(1200)}
    for each in keys:
        await store.put(each, entry(clock, each))
    found = [(each, made.body) async for each, made in store.scan()]
    assert {each for each, _ in found} == keys
    assert all(each == body for each, body in found)
    stats = await store.stats()
    assert stats.entries == 1200
    assert stats.bytes > 1200 * 32


async def test_many_at_once_do_not_mix(store: CacheStore, clock: Clock) -> None:
    async def once(number: int) -> bool:
        await store.put(key(number), entry(clock, b"%d" % number))
        got = await store.get(key(number))
        return got is not None and got.body == b"%d" % number

    assert all(await asyncio.gather(*(once(number) for number in range(200))))


async def test_large_entries_are_kept(store: CacheStore, clock: Clock) -> None:
    body = bytes(10**6)
    await store.put(key(1), entry(clock, body))
    got = await store.get(key(1))
    assert got is not None
    assert got.body == body


async def test_it_tells_its_figures(store: CacheStore) -> None:
    assert all(isinstance(value, (int, float)) for value in store.gauges().values())


async def test_closing_what_was_never_started_is_fine(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    for kind in ("memory", "sqlite", "layered"):
        made = _made(kind, request, tmp_path, Clock())
        await made.close()
        await made.close()


async def test_what_was_written_since_a_mark_is_told_once_and_in_order(store: CacheStore, clock: Clock) -> None:
    question = Question(key("scope"), "What is a forebay?", b"v", "mini/1")
    asked = msgspec.structs.replace(entry(clock), question=question)
    await store.put(key(0), asked)
    start = (await store.news(None)).mark
    if not start:  # nobody else writes there
        assert not (await store.news(None)).entries
        return
    assert not (await store.news(start)).entries
    for number in (1, 2, 3):
        await store.put(key(number), asked)
    await store.delete(key(2))
    news = await store.news(start)
    assert [name for name, _ in news.entries] == [key(1), key(3)]
    assert news.entries[0][1].question == question
    assert not (await store.news(news.mark)).entries
    await store.delete_where(Selection())
    await store.put(key(4), asked)
    assert [name for name, _ in (await store.news(news.mark)).entries] == [key(4)]
