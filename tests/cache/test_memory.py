"""The store in memory is bounded."""

from hypothesis import given
from hypothesis import strategies as st

from forebay.cache.memory import MemoryStore, _size
from forebay.core.entries import Entry
from tests.support.cached import Clock

CLOCK = Clock()


def entry(size: int) -> Entry:
    return Entry(bytes(size), CLOCK.now, CLOCK.now + 10)


async def test_the_least_recently_used_goes_first() -> None:
    store = MemoryStore(3 * _size(entry(1000)), CLOCK)
    for name in (b"a", b"b", b"c"):
        await store.put(name, entry(1000))
    await store.get(b"a")
    await store.put(b"d", entry(1000))
    assert [name async for name, _ in store.scan()] == [b"c", b"a", b"d"]
    assert store.gauges()["evicted_total"] == 1


async def test_what_is_larger_than_all_the_room_is_not_kept_and_evicts_nobody() -> None:
    store = MemoryStore(5000, CLOCK)
    await store.put(b"a", entry(10))
    await store.put(b"b", entry(10_000))
    assert [name async for name, _ in store.scan()] == [b"a"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3000), st.booleans()), max_size=40))
async def test_it_never_has_more_than_it_may(steps: list[tuple[int, int, bool]]) -> None:
    store = MemoryStore(6000, CLOCK)
    for name, size, delete in steps:
        if delete:
            await store.delete(bytes([name]))
        else:
            await store.put(bytes([name]), entry(size))
        kept = sum([_size(each) async for _, each in store.scan()])
        assert kept == store.gauges()["bytes"] <= 6000
