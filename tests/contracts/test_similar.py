"""What every semantic index must do, wherever its vectors are."""

from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from forebay.cache.memory import MemoryStore
from forebay.cache.redis import RedisSettings, RedisStore
from forebay.cache.semantic.settings import IndexSettings
from forebay.cache.semantic.tier import SemanticTier
from forebay.core.entries import Entry, Question
from forebay.core.ports import CacheStore
from forebay.settings import Secret
from tests.support.cached import Clock
from tests.support.embedding import CountingEmbedder
from tests.support.redis_server import RedisServer

SCOPE, OTHER = b"s" * 32, b"\x00\xff" * 16
STORED, ASKED = "How can I bake sourdough bread?", "How do I bake sourdough bread?"


class Place:
    """A store with an index; ``another`` is that of another process."""

    def __init__(self, store: CacheStore, clock: Clock, most: int = 1000) -> None:
        self.store = store
        self.clock = clock
        shared = store if isinstance(store, RedisStore) else None
        self.tier = SemanticTier(CountingEmbedder(), IndexSettings(max_entries=most), clock, shared)

    def another(self, most: int = 1000) -> "Place":
        return Place(self.store, self.clock, most)

    async def keep(self, name: str, text: str, scope: bytes = SCOPE, seconds: float = 100) -> bytes:
        key = sha256(name.encode()).digest()
        question = await self.tier.question(scope, text)
        now = self.clock()
        await self.store.put(key, Entry(b"{}", now, now + seconds, question=question))
        await self.tier.add(key, question, now + seconds)
        return key

    async def found(self, text: str, scope: bytes = SCOPE) -> bytes | None:
        match = await self.tier.find(scope, text, 0.5)
        return match.key if match else None

    async def held(self, key: bytes) -> tuple[bytes, Question, float]:
        entry = await self.store.get(key)
        assert entry is not None
        assert entry.question is not None
        return key, entry.question, entry.expires


@pytest.fixture(params=["local", pytest.param("redis", marks=pytest.mark.needs("redis"))])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    clock = Clock()
    store: CacheStore = MemoryStore(10**7, clock)
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis")
        with server.client() as client:
            client.flushall()
        store = RedisStore(RedisSettings(Secret(server.url), 5.0, 0.1), clock)
    await store.start()
    made = Place(store, clock)
    await made.tier.start()
    assert made.tier.is_shared == (request.param == "redis")
    yield made
    await made.tier.close()
    await store.close()


async def test_the_same_words_and_other_words_are_found(place: Place) -> None:
    key = await place.keep("a", STORED)
    assert await place.found("how can I bake  sourdough bread") == key
    match = await place.tier.find(SCOPE, ASKED, 0.5)
    assert match is not None
    assert match.key == key
    assert match.similarity == pytest.approx(1.0, abs=0.02)


async def test_what_is_not_near_enough_or_not_the_same_is_not_found(place: Place) -> None:
    await place.keep("a", STORED)
    assert await place.found("Where is the river dam?") is None
    assert await place.found("How can I bake 2 sourdough bread?") is None
    assert sum(count for name, count in place.tier.gauges().items() if name.startswith("refused_")) == 1


async def test_scopes_are_apart(place: Place) -> None:
    key = await place.keep("a", STORED)
    assert await place.found(STORED, OTHER) is None
    assert await place.found(ASKED, OTHER) is None
    other = await place.keep("b", STORED, OTHER)
    assert [await place.found(STORED, OTHER), await place.found(STORED)] == [other, key]


async def test_what_was_removed_is_not_found_and_its_neighbour_is(place: Place) -> None:
    first = await place.keep("a", STORED)
    second = await place.keep("b", "How can we bake sourdough bread?")
    await place.tier.remove(first)
    await place.tier.remove(b"u" * 32)
    assert await place.found(STORED) != first
    await place.tier.remove(second)
    assert await place.found(ASKED) is None


async def test_what_has_expired_is_not_found(place: Place) -> None:
    await place.keep("a", STORED, seconds=50)
    place.clock.now += 51
    assert [await place.found(STORED), await place.found(ASKED)] == [None, None]


async def test_another_wording_under_the_same_key_takes_its_place(place: Place) -> None:
    await place.keep("a", STORED)
    place.clock.now += 1
    key = await place.keep("a", "What is a forebay?")
    assert [await place.found(STORED), await place.found("what is a forebay")] == [None, key]


async def test_there_are_never_more_than_may_be(place: Place) -> None:
    small = place.another(most=5)
    await small.tier.start()
    keys = [await small.keep(str(each), f"How do I bake bread number {each}?", seconds=50 + each) for each in range(9)]
    assert small.tier.gauges()["entries"] == 5
    found = [await small.found(f"how do I bake bread number {number}") for number in range(9)]
    assert found == [None] * 4 + keys[4:]
    await small.tier.close()


async def test_a_new_process_has_all_that_the_store_has(place: Place) -> None:
    key = await place.keep("a", STORED)
    other = place.another()
    await other.tier.start()
    assert await other.tier.rebuild(place.store.scan()) == 1
    assert await other.found(ASKED) == key
    assert other.tier.gauges()["entries"] == 1
    await other.tier.close()


async def test_texts_of_any_script_are_found(place: Place) -> None:
    key = await place.keep("a", 'Was ist ein "Vorbecken" \u2603?')
    assert await place.found('was ist ein "Vorbecken" \u2603') == key
