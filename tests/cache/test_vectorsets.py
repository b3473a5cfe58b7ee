"""The index in a real Redis: one for all processes, held against the entries, and gone with them."""

import time
from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from forebay.cache.redis import RedisSettings, RedisStore
from forebay.cache.semantic.settings import IndexSettings, Place
from forebay.cache.semantic.tier import SemanticTier
from forebay.core.entries import Entry, Selection
from forebay.settings import Secret
from tests.support.embedding import CountingEmbedder
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.needs("redis")

SCOPE = b"s" * 32
STORED, ASKED = "How can I bake sourdough bread?", "How do I bake sourdough bread?"


@pytest.fixture
async def store(redis: RedisServer) -> AsyncIterator[RedisStore]:
    with redis.client() as client:
        client.flushall()
    made = RedisStore(RedisSettings(Secret(redis.url), 5.0, 0.1))
    await made.start()
    yield made
    await made.close()


async def tier(store: RedisStore, place: Place = "auto", embedder: str = "counting") -> SemanticTier:
    made = SemanticTier(CountingEmbedder(embedder), IndexSettings(place=place), shared=store)
    await made.start()
    return made


async def keep(store: RedisStore, tier: SemanticTier, text: str = STORED, seconds: float = 100) -> bytes:
    key, expires = sha256(text.encode()).digest(), time.time() + seconds
    question = await tier.question(SCOPE, text)
    await store.put(key, Entry(b"{}", time.time(), expires, "team", question=question))
    await tier.add(key, question, expires)
    return key


async def test_what_one_process_adds_another_finds_at_once(store: RedisStore) -> None:
    one, other = await tier(store), await tier(store)
    key = await keep(store, one)
    match = await other.find(SCOPE, ASKED, 0.5)
    assert match is not None
    assert match.key == key
    await one.close()
    await other.close()


@pytest.mark.parametrize("asked", [STORED, ASKED])
async def test_a_question_without_its_entry_is_never_found_and_goes(
    store: RedisStore, redis: RedisServer, asked: str
) -> None:
    made = await tier(store)
    await keep(store, made)
    await store.delete_where(Selection(tenant="team"))
    assert await made.find(SCOPE, asked, 0.5) is None
    with redis.client() as client:
        assert [name for name in client.keys("index:*") if b"written" not in name] == []
    await made.close()


async def test_all_of_it_expires_with_the_last_entry(store: RedisStore, redis: RedisServer) -> None:
    made = await tier(store)
    await keep(store, made, seconds=50)
    await keep(store, made, "What is a forebay?", seconds=20)
    with redis.client() as client:
        left = {name: client.pttl(name) for name in client.keys("index:*") if b"written" not in name}
    assert len(left) == 6
    assert all(0 < each <= 50_000 for each in left.values()), left
    assert max(left.values()) > 20_000
    await made.close()


async def test_vectors_of_another_embedder_are_by_themselves(store: RedisStore) -> None:
    one, other = await tier(store), await tier(store, embedder="another")
    await keep(store, one)
    assert await other.find(SCOPE, STORED, 0.0) is None
    await one.close()
    await other.close()


async def test_the_index_is_none_of_the_entries(redis: RedisServer) -> None:
    with redis.client() as client:
        client.flushall()
    bare = RedisStore(RedisSettings(Secret(redis.url), 5.0, 0.1, prefix=""))
    await bare.start()
    made = await tier(bare)
    key = await keep(bare, made)
    assert [name async for name, _ in bare.scan()] == [key]
    assert (await bare.stats()).entries == 1
    assert bare.gauges()["unreadable_total"] == 0
    await made.close()
    await bare.close()


async def test_where_it_is_is_said_and_may_be_chosen(store: RedisStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "forebay.cache")
    for place, wanted in (("auto", True), ("process", False)):
        made = await tier(store, "auto" if place == "auto" else "process")
        assert made.is_shared == wanted
        assert made.gauges()["shared"] == wanted
        await made.close()
    assert [record.message for record in caplog.records] == [
        "the semantic index is in the store's server; all processes have one",
        "the semantic index is in this process",
    ]


async def test_a_server_without_vector_sets_has_none(redis: RedisServer) -> None:
    with redis.client() as client:
        client.acl_setuser("plain", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-vcard"])
    url = redis.url.replace("unix://", "unix://plain:x@")
    store = RedisStore(RedisSettings(Secret(url), 5.0, 0.1))
    await store.start()
    assert await store.questions("any", 10) is None
    await store.close()


async def test_a_server_that_does_not_answer_costs_no_start() -> None:
    away = RedisStore(RedisSettings(Secret("unix:///nowhere/redis.sock"), 0.1, 0.1))
    await away.start()
    made = await tier(away)
    assert not made.is_shared
    await made.close()
    await away.close()
