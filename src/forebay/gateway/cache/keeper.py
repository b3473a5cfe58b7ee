"""The store and the index of a cache as the stage needs them: they never fail, they only know nothing.

It outlives a configuration in which its own section stays the same.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import msgspec

from forebay.core.entries import CacheUnavailableError, Entry, Selection, StoreStats
from forebay.core.ports import CacheStore, Similar
from forebay.gateway.cache.asked import Asked, Wording
from forebay.gateway.cache.flight import Flights

logger = logging.getLogger("forebay.cache")

WRITING: Final = 1000
"""How many answers may wait for a slow store to take them; one more is not stored."""

FOLLOWING: Final = 2.0
"""Seconds between two looks for the questions that other processes have stored."""


class Counts(msgspec.Struct):
    """What happened since the start."""

    stored: int = 0
    stored_bytes: int = 0
    refused: int = 0
    dropped: int = 0
    errors: int = 0
    joined: int = 0
    judged: int = 0
    judged_same: int = 0
    judge_failures: int = 0
    shadows: int = 0
    shadows_agreed: int = 0


class Near(msgspec.Struct, frozen=True):
    """An entry that answers another wording."""

    entry: Entry
    similarity: float


class Keeper:
    """``kind`` is what the store is called in figures; ``clock`` tells seconds since the epoch.

    What other processes have stored is in the index after ``following`` seconds.
    """

    def __init__(
        self,
        kind: str,
        store: CacheStore,
        similar: Similar | None = None,
        clock: Callable[[], float] = time.time,
        following: float = FOLLOWING,
    ) -> None:
        self.kind = kind
        self.store = store
        self.similar = similar
        self.clock = clock
        self.counts = Counts()
        self.flights = Flights()
        self._tasks: set[asyncio.Task[None]] = set()
        self._following = following
        self._indexing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make the store ready, and fill the index from it while requests are served."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.store.close)
            await self.store.start()
            if self.similar is not None:
                stack.push_async_callback(self.similar.close)
                await self.similar.start()
                self._indexing = asyncio.create_task(self._index(self.similar), name="cache index")
            stack.pop_all()

    async def get(self, key: bytes, oldest: float | None = None) -> Entry | None:
        """The entry of ``key``, at most ``oldest`` seconds old."""
        try:
            entry = await self.store.get(key)
        except CacheUnavailableError:
            self.counts.errors += 1
            return None
        if entry is None or (oldest is not None and entry.age(self.clock()) > oldest):
            return None
        return entry

    async def near(self, wording: Wording, oldest: float | None = None) -> Near | None:
        """An entry whose question means what ``wording`` does."""
        if self.similar is None:
            return None
        try:
            match = await self.similar.find(wording.scope, wording.text, wording.threshold)
            if match is None:
                return None
            entry = await self.store.get(match.key)
            if entry is None:  # it has expired, or somebody has deleted it
                await self.similar.remove(match.key)
                return None
        except CacheUnavailableError:
            self.counts.errors += 1
            return None
        too_old = oldest is not None and entry.age(self.clock()) > oldest
        return None if too_old else Near(entry, match.similarity)

    async def put(self, asked: Asked, entry: Entry) -> Entry:
        """Store ``entry`` as the answer to ``asked``, as far as the store can; the entry as it was stored."""
        try:
            if self.similar is not None and asked.wording is not None:
                question = await self.similar.question(asked.wording.scope, asked.wording.text)
                entry = msgspec.structs.replace(entry, question=question)
                await self.store.put(asked.key, entry)
                await self.similar.add(asked.key, question, entry.expires)
            else:
                await self.store.put(asked.key, entry)
        except CacheUnavailableError:
            self.counts.errors += 1
        else:
            self.counts.stored += 1
            self.counts.stored_bytes += len(entry.body)
        return entry

    async def restore(self, key: bytes, entry: Entry) -> None:
        """Store ``entry`` as it is, with its question if it has one."""
        try:
            await self.store.put(key, entry)
            if self.similar is not None and entry.question is not None:
                await self.similar.add(key, entry.question, entry.expires)
        except CacheUnavailableError:
            self.counts.errors += 1

    async def delete(self, key: bytes) -> bool:
        """Forget ``key``.

        Raises:
            CacheUnavailableError: the store cannot be asked.
        """
        if self.similar is not None:
            await self.similar.remove(key)
        return await self.store.delete(key)

    async def delete_where(self, selection: Selection) -> int:
        """Forget what ``selection`` holds; the index finds out when it is asked.

        Raises:
            CacheUnavailableError: the store cannot be asked.
        """
        return await self.store.delete_where(selection)

    async def stats(self) -> StoreStats:
        """How full the store is.

        Raises:
            CacheUnavailableError: it cannot be asked.
        """
        return await self.store.stats()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` beside the requests; it is awaited when the cache is closed."""
        task = asyncio.create_task(work, name="cache")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def is_busy(self) -> bool:
        """Whether so much waits to be stored that nothing more should."""
        return len(self._tasks) >= WRITING

    def gauges(self) -> Mapping[str, float]:
        """Counts of the stage, and the states of store and index."""
        counts = {f"{name}_total": value for name, value in msgspec.structs.asdict(self.counts).items()}
        index = {f"index_{name}": value for name, value in self.similar.gauges().items()} if self.similar else {}
        return {**counts, **self.store.gauges(), **index}

    async def close(self) -> None:
        """Let what is being stored be stored, and close store and index."""
        if self._indexing is not None:
            self._indexing.cancel()
            await asyncio.wait([self._indexing])
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.similar is not None:
            await self.similar.close()
        await self.store.close()

    async def _index(self, similar: Similar) -> None:
        """Fill the index from the store, and go on with what other processes write there."""
        mark = await self._rebuilt(similar)
        while mark is None or (mark and not similar.is_shared):
            await asyncio.sleep(self._following)
            mark = await (self._rebuilt(similar) if mark is None else self._followed(similar, mark))

    async def _rebuilt(self, similar: Similar) -> str | None:
        """From where to go on; ``None`` if the store cannot be asked."""
        try:
            mark = (await self.store.news(None)).mark
            number = await similar.rebuild(self.store.scan())
        except CacheUnavailableError as error:
            self.counts.errors += 1
            logger.debug("the semantic index cannot be filled: %s", error)
            return None
        logger.info("the semantic index has %d questions of the store", number)
        return mark

    async def _followed(self, similar: Similar, mark: str) -> str:
        try:
            while (news := await self.store.news(mark)).entries:
                for key, entry in news.entries:
                    if entry.question is not None:
                        await similar.add(key, entry.question, entry.expires)
                mark = news.mark
        except CacheUnavailableError:
            self.counts.errors += 1
            return mark
        return news.mark
