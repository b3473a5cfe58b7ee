"""Takes the record of every ended call and hands it on later, in batches, so that no request waits for a log."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from forebay.core.types import Record

Sink = Callable[[Sequence[Record]], None]

INTERVAL = 0.25
BATCH = 4096


class Journal:
    """A `Recorder` that keeps records until its own task, or whoever wants fresh figures, flushes them to the sinks.

    At most `BATCH` records wait; one more flushes them at once, which bounds the memory.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)
        self._records: list[Record] = []
        self._task: asyncio.Task[None] | None = None

    def record(self, record: Record) -> None:
        """Keep ``record`` until the next flush."""
        self._records.append(record)
        if len(self._records) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Hand everything that waits to every sink, also when it is nothing: a sink may have its own reasons."""
        records, self._records = self._records, []
        for sink in self._sinks:
            sink(records)

    async def start(self) -> None:
        """Flush every `INTERVAL` seconds from now on."""
        self._task = asyncio.create_task(self._flush_forever(), name="journal")

    async def close(self) -> None:
        """Stop, and flush for the last time."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.flush()

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            self.flush()
