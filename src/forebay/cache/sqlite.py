"""Keeps replies in a file that survives restarts and that several processes of a machine may share.

Source: SQLite's documentation, "Write-Ahead Logging": readers do not wait for the writer, nor it for them. The event
loop waits for neither: both work on threads of their own.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec

from forebay.cache.codec import Decoder, encode
from forebay.cache.database import BrokenFileError, Database
from forebay.core.entries import CacheUnavailableError, Entry, News, Selection, StoreStats
from forebay.plugins import CachePlugin, PreparationError
from forebay.settings import Duration, Size

T = TypeVar("T")

logger = logging.getLogger("forebay.cache")

_PAGE: Final = 500
"""Entries that a scan reads at once."""


_LOOKING: Final = 1.0
"""Seconds between two looks whether the file is still there."""


class SQLiteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file, made with its folder if it is not there. ``timeout`` is how long to wait for other processes."""

    path: Annotated[str, msgspec.Meta(min_length=1)]
    max_bytes: Size = 1024**3
    timeout: Annotated[Duration, msgspec.Meta(gt=0)] = 1.0


class SQLiteStore:
    """The store in one file; ``clock`` tells seconds since the epoch."""

    def __init__(self, settings: SQLiteSettings, clock: Callable[[], float] = time.time) -> None:
        self._path = Path(settings.path).expanduser()
        self._settings = settings
        self._clock = clock
        self._writer = _Thread("cache-writer", lambda: Database(self._path, settings.timeout))
        self._reader = _Thread("cache-reader", lambda: Database(self._path, settings.timeout))
        self._decoder = Decoder()

    async def start(self) -> None:
        """Open the file; one that is broken is put aside and begun anew.

        Raises:
            PreparationError: there can be no such file.
        """
        try:
            await asyncio.to_thread(self._path.parent.mkdir, parents=True, exist_ok=True)
            await self._writer.run(lambda database: database.clean(self._clock()))
        except (OSError, CacheUnavailableError) as error:
            raise PreparationError(f"the cache cannot be kept in {self._path}: {error}") from None

    async def get(self, key: bytes) -> Entry | None:
        """The entry of ``key``."""
        data = await self._reader.run(lambda database: database.get(key))
        if data is None:
            return None
        entry = self._decoder.entry(data)
        if entry is None or not entry.lives(self._clock()):
            await self.delete(key)
            return None
        return entry

    async def put(self, key: bytes, entry: Entry) -> None:
        """Keep ``entry``; if the file has become too large, the oldest go."""
        row = (key, encode(entry), entry.made, entry.expires, entry.tenant, entry.namespace, entry.model)
        now, most = self._clock(), self._settings.max_bytes
        await self._writer.run(lambda database: database.put(row, now, most))

    async def delete(self, key: bytes) -> bool:
        """Forget ``key``."""
        return await self._writer.run(lambda database: database.delete(key))

    async def delete_where(self, selection: Selection) -> int:
        """Forget what ``selection`` holds."""
        return await self._writer.run(lambda database: database.delete_where(selection))

    async def scan(self) -> AsyncIterator[tuple[bytes, Entry]]:
        """Every entry, by its key."""
        last = b""
        while rows := await self._reader.run(partial(Database.page, after=last, most=_PAGE)):
            for key, data in rows:
                entry = self._decoder.entry(data)
                if entry is not None and entry.lives(self._clock()):
                    yield key, entry
            last = rows[-1][0]

    async def news(self, mark: str | None) -> News:
        """What has been written since ``mark``, a number that only ever grows."""
        after = None if mark is None else int(mark)
        last, rows = await self._reader.run(lambda database: database.written(after, _PAGE))
        found = [(key, self._decoder.entry(data)) for key, data in rows]
        return News(str(last), [(key, entry) for key, entry in found if entry is not None])

    async def stats(self) -> StoreStats:
        """How many entries there are, and how large the file is."""
        now = self._clock()
        return StoreStats(*await self._reader.run(lambda database: database.stats(now)))

    def gauges(self) -> Mapping[str, float]:
        """How many values could not be read, and how often the file was broken."""
        return {
            "unreadable_total": self._decoder.unreadable,
            "broken_files_total": self._writer.broken + self._reader.broken,
        }

    async def close(self) -> None:
        """Close the file, after all that was to be written."""
        await self._reader.close()
        await self._writer.close()


class _Thread:
    """A thread that has a connection of its own, opened when it is first needed and again after the file broke."""

    def __init__(self, name: str, connect: Callable[[], Database]) -> None:
        self._executor = ThreadPoolExecutor(1, name)
        self._connect = connect
        self._database: Database | None = None
        self._looked = 0.0
        self._told = False
        self._closed = False
        self.broken = 0

    async def run(self, work: Callable[[Database], T]) -> T:
        """What ``work`` returns.

        Raises:
            CacheUnavailableError: the file cannot be used now.
        """
        if self._closed:
            raise CacheUnavailableError("the cache is closed")
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._done, work)

    async def close(self) -> None:
        """End the thread, after what it was asked for."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._executor, self._end)
            self._executor.shutdown()

    def _done(self, work: Callable[[Database], Any]) -> Any:  # noqa: ANN401  # whatever the work returns
        try:
            return work(self._opened())
        except BrokenFileError:
            self.broken += 1
            self._end()
        # The file is another one now, unless it broke again: then it is not the file's fault.
        with contextlib.suppress(BrokenFileError):
            return work(self._opened())
        self._end()
        raise CacheUnavailableError("the file breaks again and again")

    def _opened(self) -> Database:
        if self._database is not None and not self._told and time.monotonic() - self._looked > _LOOKING:
            self._looked = time.monotonic()
            if not self._database.is_there():
                # Closing the old file would delete the log of the new one, by its name: so this goes on as it is.
                self._tell()
        if self._database is None:
            self._database = self._connect()
        return self._database

    def _tell(self) -> None:
        self._told = True
        logger.error(
            "the cache's file was deleted or replaced while it was in use: what is kept from now on is lost at the end;"
            " start the server anew"
        )

    def _end(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


plugin = CachePlugin(SQLiteSettings, SQLiteStore, shared=True)
