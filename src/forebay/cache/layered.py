"""Two stores as one: this process's memory in front of one that others see too."""

import time
from collections.abc import AsyncIterator, Callable, Mapping

import msgspec

from forebay.cache.memory import MemoryStore
from forebay.core.entries import Entry, News, Selection, StoreStats
from forebay.core.ports import CacheStore


class LayeredStore:
    """Copies of ``back`` in ``front``, none older than ``seconds``: so long may a deletion by others go unnoticed."""

    def __init__(
        self, front: MemoryStore, back: CacheStore, seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._front = front
        self._back = back
        self._seconds = seconds
        self._clock = clock

    async def start(self) -> None:
        """Make the store behind ready."""
        await self._back.start()

    async def get(self, key: bytes) -> Entry | None:
        """The copy of ``key``, or the entry behind it."""
        entry = await self._front.get(key)
        if entry is not None:
            return entry
        entry = await self._back.get(key)
        if entry is not None:
            await self._copy(key, entry)
        return entry

    async def put(self, key: bytes, entry: Entry) -> None:
        """Keep ``entry``; a copy is there even while the store behind cannot be asked."""
        await self._copy(key, entry)
        await self._back.put(key, entry)

    async def delete(self, key: bytes) -> bool:
        """Forget ``key`` in both."""
        copied = await self._front.delete(key)
        return await self._back.delete(key) or copied

    async def delete_where(self, selection: Selection) -> int:
        """Forget what ``selection`` holds in both."""
        await self._front.delete_where(selection)
        return await self._back.delete_where(selection)

    def scan(self) -> AsyncIterator[tuple[bytes, Entry]]:
        """Every entry behind."""
        return self._back.scan()

    async def news(self, mark: str | None) -> News:
        """What has been written behind."""
        return await self._back.news(mark)

    async def stats(self) -> StoreStats:
        """How full the store behind is."""
        return await self._back.stats()

    def gauges(self) -> Mapping[str, float]:
        """Those of the store behind, and of the memory in front."""
        front = {f"front_{name}": value for name, value in self._front.gauges().items()}
        return {**self._back.gauges(), **front}

    async def close(self) -> None:
        """Close both."""
        await self._front.close()
        await self._back.close()

    async def _copy(self, key: bytes, entry: Entry) -> None:
        expires = min(entry.expires, self._clock() + self._seconds)
        await self._front.put(key, msgspec.structs.replace(entry, expires=expires))
