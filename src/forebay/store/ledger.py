"""Writes a row for every ended call, off the request's path: memory ─► journal on disk ─► database.

    record     notes it in memory (`batched`), or has it in the journal at once (`sync`)
    write      every tenth of a second, or sooner: memory to the journal, in a thread
    deliver    whenever the journal holds something: the journal to the database, in batches, in the order of writing

The database may be down or slow for as long as the journal has room; what was not delivered waits for the next start.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from forebay.core.types import Record
from forebay.store.database import AWAY
from forebay.store.failures import told
from forebay.store.journal import FullError, Journal
from forebay.store.usage import Row, UsageTable

logger = logging.getLogger("forebay.store")

WRITE_SECONDS: Final = 0.05
DELIVER_SECONDS: Final = 0.5
RETENTION_SECONDS: Final = 600.0
LONGEST_PAUSE: Final = 10.0
CLOSE_SECONDS: Final = 5.0
BATCH: Final = 500

MEMORY_ROWS: Final = 20_000
"""So many rows wait in memory while the disk refuses them; later ones are lost, and counted."""

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Row)


class Ledger:
    """A `Recorder`. ``sync`` has each row in the journal before the client has the end of its answer."""

    def __init__(self, journal: Journal, table: UsageTable, *, sync: bool, retention: float | None) -> None:
        self._journal = journal
        self._table = table
        self._sync = sync
        self._retention = retention
        self._rows: list[Row] = []
        self._names = (f"{time.time_ns():x}-{os.urandom(8).hex()}-{number:x}" for number in itertools.count())
        self._writing = asyncio.Lock()
        self._closing = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._deliverer: asyncio.Task[None] | None = None
        self._full = False
        self._fresh = False
        self._forget_at = 0.0
        self.lost = 0

    def record(self, record: Record) -> None:
        """Take note of one ended call."""
        row = next(self._names), record
        if self._sync:
            try:
                self._journal.append(_line(row))
            except (FullError, OSError) as error:
                self._refused(error)
            else:
                self._fresh = True
                return
        if len(self._rows) < MEMORY_ROWS:
            self._rows.append(row)
        else:
            self.lost += 1

    async def start(self) -> None:
        """Begin to write and deliver.

        Raises:
            OSError: the journal's folder cannot be written to.
        """
        await asyncio.to_thread(self._journal.open)
        self._writer = asyncio.create_task(self._write_until_closing(), name="ledger write")
        self._deliverer = asyncio.create_task(self._deliver_until_closing(), name="ledger deliver")

    async def close(self) -> None:
        """Write everything, and deliver what can be delivered soon."""
        if self._writer is None or self._deliverer is None:
            return
        self._closing.set()
        await self._writer
        await _ended(self._deliverer, CLOSE_SECONDS)
        with contextlib.suppress(*AWAY):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._empty()
        self.lost += len(self._rows)
        await asyncio.to_thread(self._journal.close)
        if self.lost:
            logger.error("%d rows of usage were lost: the journal was full", self.lost)

    async def write(self) -> None:
        """Have everything in the journal that was recorded until now, as far as the disk takes it."""
        async with self._writing:
            rows, self._rows = self._rows, []
            if not rows and not self._fresh:
                return
            self._fresh = False
            try:
                await asyncio.to_thread(self._append, rows[:BATCH])
                while rows := rows[BATCH:]:
                    await asyncio.to_thread(self._append, rows[:BATCH])
                self._full = False
            except (FullError, OSError) as error:
                self._refused(error)
                self._rows = rows + self._rows

    async def deliver(self) -> None:
        """Have everything in the database that is in the journal, what dead processes left included.

        Raises:
            Exception: one of `database.AWAY`.
        """
        await asyncio.to_thread(self._journal.seal)
        await self._deliver(await asyncio.to_thread(self._journal.left))
        await self._deliver(await asyncio.to_thread(self._journal.sealed))

    async def _empty(self) -> None:
        """Bring everything home; a journal that was full takes the rest once some of it has been delivered."""
        await self.write()
        await self.deliver()
        left = len(self._rows) + 1
        while 0 < len(self._rows) < left:
            left = len(self._rows)
            await self.write()
            await self.deliver()

    def _append(self, rows: Sequence[Row]) -> None:
        if rows:
            self._journal.append(b"".join(map(_line, rows)))
        self._journal.flush()

    async def _write_until_closing(self) -> None:
        """It is not cancelled: what it is just writing is nowhere else."""
        while not self._closing.is_set():
            await self._closed_within(WRITE_SECONDS)
            await self.write()

    async def _deliver_until_closing(self) -> None:
        """It is not cancelled as long as the database answers: a transaction that is cut off may keep its lock."""
        pause = 0.0
        while not await self._closed_within(pause or DELIVER_SECONDS):
            try:
                await self.deliver()
                await self._forget()
                pause = 0.0
            except AWAY as error:
                if not pause:
                    logger.warning("the database cannot be written to, rows wait in the journal: %s", told(error))
                pause = min(max(2 * pause, DELIVER_SECONDS), LONGEST_PAUSE)

    async def _closed_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        return self._closing.is_set()

    async def _deliver(self, files: Sequence[Path]) -> None:
        for file in files:
            rows = await asyncio.to_thread(_read, file)
            for first in range(0, len(rows), BATCH):
                await self._table.add(rows[first : first + BATCH])
            await asyncio.to_thread(self._journal.delivered, file)

    async def _forget(self) -> None:
        """Delete the rows that are too old, once in a while."""
        if self._retention is None or time.monotonic() < self._forget_at:
            return
        while await self._table.forget(time.time() - self._retention):
            pass
        self._forget_at = time.monotonic() + RETENTION_SECONDS

    def _refused(self, error: Exception) -> None:
        if not self._full:
            self._full = True
            logger.error("the journal takes no more rows, they wait in memory: %s", _told(error))


async def _ended(task: asyncio.Task[None], seconds: float) -> None:
    """Let ``task`` end by itself, or, after so many ``seconds``, at once."""
    await asyncio.wait([task], timeout=seconds)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _line(row: Row) -> bytes:
    return _ENCODER.encode(row) + b"\n"


def _read(file: Path) -> list[Row]:
    """The rows in ``file``; a line that a dying process left unfinished is none."""
    found: list[Row] = []
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:  # another process was quicker
        return []
    for line in lines:
        try:
            found.append(_DECODER.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            logger.warning("%s has a line that is no row of usage", file.name)
    return found


def _told(error: Exception) -> str:
    """What keeps the disk from taking rows."""
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else ""
    return reason or "they would be more than 'store.journal_limit', or than the disk holds"
