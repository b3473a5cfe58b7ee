"""Keeps replies in this process's memory: the least recently used go first when it is full."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

import msgspec

from forebay.core.entries import Entry, News, Selection, StoreStats
from forebay.plugins import CachePlugin
from forebay.settings import Size

_OVERHEAD: Final = 700
"""What CPython takes for an entry beside its body, its key and its question, in bytes."""

_AT_ONCE: Final = 1000
"""Entries that are looked at before others have their turn."""


class MemorySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``max_bytes`` bounds all that is kept, with the overhead of Python's objects."""

    max_bytes: Size = 256 * 1024**2


class MemoryStore:
    """An LRU map of at most ``max_bytes``; ``clock`` tells seconds since the epoch."""

    def __init__(self, max_bytes: int, clock: Callable[[], float] = time.time) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._bytes = 0
        self._evicted = 0

    async def start(self) -> None:
        """There is nothing to make ready."""

    async def get(self, key: bytes) -> Entry | None:
        """The entry of ``key``, now the most recently used."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if not entry.lives(self._clock()):
            self._remove(key)
            return None
        self._entries.move_to_end(key)
        return entry

    async def put(self, key: bytes, entry: Entry) -> None:
        """Keep ``entry``; what is larger than all the room there is, is not kept."""
        self._remove(key)
        size = _size(entry)
        if size > self._max_bytes:
            return
        self._entries[key] = entry
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._remove(next(iter(self._entries)))
            self._evicted += 1

    async def delete(self, key: bytes) -> bool:
        """Forget ``key``."""
        return self._remove(key)

    async def delete_where(self, selection: Selection) -> int:
        """Forget what ``selection`` holds."""
        return sum([self._remove(key) async for key, entry in self.scan() if selection.holds(entry)])

    async def scan(self) -> AsyncIterator[tuple[bytes, Entry]]:
        """Every entry, the least recently used first."""
        for number, key in enumerate(list(self._entries), 1):
            entry = self._entries.get(key)
            if entry is not None and entry.lives(self._clock()):
                yield key, entry
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)

    async def news(self, _mark: str | None) -> News:
        """None: no other process writes here."""
        return News()

    async def stats(self) -> StoreStats:
        """How full it is."""
        return StoreStats(sum([1 async for _ in self.scan()]), self._bytes)

    def gauges(self) -> Mapping[str, float]:
        """How full it is, and how many had to go."""
        return {"entries": len(self._entries), "bytes": self._bytes, "evicted_total": self._evicted}

    async def close(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0

    def _remove(self, key: bytes) -> bool:
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._bytes -= _size(entry)
        return True


def _size(entry: Entry) -> int:
    question = entry.question
    asked = len(question.text) + len(question.vector) + len(question.scope) if question else 0
    return _OVERHEAD + len(entry.body) + asked


plugin = CachePlugin(MemorySettings, lambda settings: MemoryStore(settings.max_bytes))
