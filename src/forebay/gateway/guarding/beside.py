"""Judging that nobody waits for: guards that only watch, beside the answer that has left already."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

LIMIT: Final = 1000
"""So many may be under way at once; what comes beyond them waits for its turn where it is."""


class Beside:
    """The tasks that are under way, so that none is lost, and none is left when the server ends."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Begin ``work``; where too much is under way already, wait for its end."""
        if len(self._tasks) >= LIMIT:
            await work
            return
        task = asyncio.create_task(work, name="watching guard")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for all; each has its time-out."""
        await asyncio.gather(*self._tasks)
