"""The store in GPTCache's own data manager: its file, and what else stands in it."""

from pathlib import Path

import pytest
from gptcache.manager.data_manager import MapDataManager

from forebay.cache.gptcache import GPTCacheSettings, GPTCacheStore
from forebay.core.entries import CacheUnavailableError, Entry
from forebay.plugins import PreparationError
from tests.support.cached import Clock

CLOCK = Clock()
KEY = b"k" * 32


def opened(path: Path) -> GPTCacheStore:
    return GPTCacheStore(GPTCacheSettings(str(path)), CLOCK)


async def test_entries_are_in_its_file_at_the_end_and_beside_those_of_its_own_adapters(tmp_path: Path) -> None:
    path = tmp_path / "data_map.txt"
    theirs = MapDataManager(str(path), 100)
    theirs.save("a question", "an answer", "a vector")
    theirs.close()
    store = opened(path)
    await store.start()
    await store.put(KEY, Entry(b"{}", CLOCK.now, CLOCK.now + 9))
    await store.close()
    store = opened(path)
    await store.start()
    assert [key async for key, _ in store.scan()] == [KEY]
    assert await store.get(KEY) is not None
    await store.close()
    assert MapDataManager(str(path), 100).search("a vector")[0][1] == "an answer"


async def test_another_file_is_told_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "data_map.txt"
    path.write_bytes(b"no pickle")
    store = opened(path)
    with pytest.raises(PreparationError, match="GPTCache cannot use"):
        await store.start()
    with pytest.raises(CacheUnavailableError):
        await store.get(KEY)
    await store.close()
