"""Keeps replies in GPTCache's own data manager, for those who come from there.

It is a map in memory that is read from a file at the start and written to it at the end, by pickle: load no file that
others may write. Keys, expiry and tenants are Forebay's.

Source: GPTCache 0.1.44, `gptcache.manager.data_manager.MapDataManager`.
"""

import asyncio
import pickle
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, TypeVar

import msgspec
from gptcache.manager.data_manager import MapDataManager
from gptcache.utils.error import CacheError

from forebay.cache.codec import Decoder, encode
from forebay.core.entries import CacheUnavailableError, Entry, News, Selection, StoreStats
from forebay.plugins import CachePlugin, PreparationError

T = TypeVar("T")


class GPTCacheSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file, and how many entries there are at most; GPTCache does not count bytes."""

    path: Annotated[str, msgspec.Meta(min_length=1)]
    max_entries: Annotated[int, msgspec.Meta(ge=1)] = 10_000


class GPTCacheStore:
    """The store; ``clock`` tells seconds since the epoch. GPTCache blocks, so it has a thread of its own."""

    def __init__(self, settings: GPTCacheSettings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._executor = ThreadPoolExecutor(1, "gptcache")
        self._manager: Any = None
        self._decoder = Decoder()

    async def start(self) -> None:
        """Read the file, if it is there.

        Raises:
            PreparationError: it is not GPTCache's.
        """
        try:
            self._manager = await self._run(MapDataManager, self._settings.path, self._settings.max_entries)
        except (OSError, CacheError, pickle.UnpicklingError, EOFError, AttributeError, ImportError) as error:
            raise PreparationError(f"GPTCache cannot use {self._settings.path}: {error}") from None

    async def get(self, key: bytes) -> Entry | None:
        """The entry of ``key``."""
        found = await self._run(self._opened().search, key.hex())
        entry = self._decoder.entry(found[0][1]) if found else None
        if found and (entry is None or not entry.lives(self._clock())):
            await self.delete(key)
            return None
        return entry

    async def put(self, key: bytes, entry: Entry) -> None:
        """Keep ``entry``, under a question that is its key."""
        await self._run(self._opened().save, key.hex(), encode(entry), key.hex())

    async def delete(self, key: bytes) -> bool:
        """Forget ``key``."""
        return await self._run(self._opened().data.pop, key.hex(), None) is not None

    async def delete_where(self, selection: Selection) -> int:
        """Forget what ``selection`` holds."""
        return sum([await self.delete(key) async for key, entry in self.scan() if selection.holds(entry)])

    async def scan(self) -> AsyncIterator[tuple[bytes, Entry]]:
        """Every entry; what GPTCache's own adapters have stored beside them is passed over."""
        for key, (_, data, *_rest) in await self._run(lambda held: list(held.items()), self._opened().data):
            entry = self._decoder.entry(data)
            if entry is not None and entry.lives(self._clock()):
                yield bytes.fromhex(key), entry

    async def news(self, _mark: str | None) -> News:
        """None: every process has a map of its own."""
        return News()

    async def stats(self) -> StoreStats:
        """How many entries there are, and the bytes of their values."""
        sizes = [len(entry.body) + len(key) async for key, entry in self.scan()]
        return StoreStats(len(sizes), sum(sizes))

    def gauges(self) -> Mapping[str, float]:
        """How many values could not be read."""
        return {"unreadable_total": self._decoder.unreadable}

    async def close(self) -> None:
        """Write the file."""
        manager, self._manager = self._manager, None
        if manager is not None:
            await self._run(manager.close)
        await asyncio.to_thread(self._executor.shutdown)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)

    def _opened(self) -> Any:  # noqa: ANN401  # GPTCache has no types
        if self._manager is None:
            raise CacheUnavailableError("GPTCache is closed")
        return self._manager


plugin = CachePlugin(GPTCacheSettings, GPTCacheStore)
