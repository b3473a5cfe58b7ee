"""The stored questions in this process: searched in a thread, so that the loop does not wait."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from forebay.cache.semantic.holding import Candidate, Row
from forebay.cache.semantic.questions import Questions

P = ParamSpec("P")
R = TypeVar("R")


class LocalQuestions:
    """At most ``most`` questions with vectors of ``dimensions``; ``clock`` tells seconds since the epoch."""

    is_shared = False

    def __init__(self, dimensions: int, most: int, clock: Callable[[], float]) -> None:
        self._dimensions = dimensions
        self._most = most
        self._clock = clock
        self._questions = Questions(dimensions, most)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forebay-questions")

    async def same(self, scope: bytes, text: str) -> bytes | None:
        """The key of the question of ``scope`` with these very words."""
        # Two look-ups in dictionaries: a change of thread would take longer.
        return self._questions.same(scope, text, self._clock())

    async def nearest(self, scope: bytes, vector: bytes, count: int) -> list[Candidate]:
        """Up to ``count`` questions of ``scope``, the nearest first."""
        return await self._run(self._questions.nearest, scope, vector, count, self._clock())

    async def add(self, rows: Sequence[Row]) -> None:
        """Let ``rows`` be found."""
        await self._run(self._add, rows)

    async def remove(self, key: bytes) -> None:
        """Let ``key`` be found no more."""
        await self._run(self._questions.remove, key)

    async def clear(self) -> None:
        """Forget everything."""
        self._questions = Questions(self._dimensions, self._most)

    def gauges(self) -> Mapping[str, float]:
        """How many questions there are, and what their vectors take."""
        return {"entries": len(self._questions), "bytes": self._questions.size(), "shared": 0}

    async def close(self) -> None:
        """Forget everything and end the thread."""
        await self.clear()
        await asyncio.to_thread(self._thread.shutdown)

    async def _run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))

    def _add(self, rows: Sequence[Row]) -> None:
        questions, now = self._questions, self._clock()
        for row in rows:
            if questions.expiry(row.key) != row.expires:
                questions.add(*row, now)
