"""Sends requests by a schedule and gathers what became of them."""

import asyncio
import contextlib
import itertools
import signal
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec

from forebay.cli.bench.reading import clock
from forebay.cli.bench.samples import Sample
from forebay.cli.bench.schedule import Load, offsets
from forebay.cli.bench.target import Target

GIVE_UP = 1000
"""So many requests in a row without a connection, and nobody is there any more."""

Body = Callable[[int], bytes]
"""The body of the request of that number."""


class Run(msgspec.Struct, frozen=True):
    """One load that was driven; times of the clock in `Sample`.

    ``aborted`` requests were under way when it was stopped; it stops by itself when the server is ``gone``.
    """

    samples: list[Sample]
    began: float
    ended: float
    aborted: int = 0
    stopped: bool = False
    gone: bool = False


class Drive:
    """One load on its way; ``done`` counts what has ended, and ``stop`` ends it at once."""

    def __init__(self, target: Target, load: Load, body: Body) -> None:
        self.load = load
        self.began = 0.0
        self.samples: list[Sample] = []
        self._target = target
        self._body = body
        self._numbers: Iterator[int] = itertools.count() if load.requests is None else iter(range(load.requests))
        self._tasks: set[asyncio.Task[None]] = set()
        self._aborted = 0
        self._unreachable = 0
        self._stopped = False

    @property
    def done(self) -> int:
        """How many requests have ended."""
        return len(self.samples)

    def stop(self) -> None:
        """Send nothing more, and leave what is under way."""
        self._stopped = True
        for task in self._tasks:
            task.cancel()

    async def run(self) -> Run:
        """Drive the whole load."""
        self.began = clock()
        try:
            async with asyncio.TaskGroup() as group:
                if self.load.rate is None:
                    for _ in range(min(self.load.concurrency, self.load.requests or self.load.concurrency)):
                        self._own(group.create_task(self._closed()))
                else:
                    self._own(group.create_task(self._open(group)))
        finally:
            self._tasks.clear()
        ended = max((each.last for each in self.samples), default=clock())
        gone = self._unreachable >= GIVE_UP
        return Run(self.samples, self.began, ended, self._aborted, self._stopped and not gone, gone)

    def _own(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _over(self, at: float) -> bool:
        return self._stopped or (self.load.seconds is not None and at - self.began >= self.load.seconds)

    async def _closed(self) -> None:
        """One user, who asks again as soon as there is an answer."""
        for number in self._numbers:
            now = clock()
            if self._over(now):
                return
            await self._ask(number, now)

    async def _open(self, group: asyncio.TaskGroup) -> None:
        """All users, who do not know of each other."""
        free = asyncio.Semaphore(self.load.concurrency)
        for number, offset in zip(self._numbers, offsets(self.load), strict=False):
            due = self.began + offset
            if self._over(due):
                return
            await asyncio.sleep(max(0.0, due - clock()))
            await free.acquire()
            task = group.create_task(self._ask(number, due))
            task.add_done_callback(lambda _: free.release())
            self._own(task)

    async def _ask(self, number: int, due: float) -> None:
        try:
            sample = await self._target.ask(self._body(number), due)
        except asyncio.CancelledError:
            self._aborted += 1
            raise
        self.samples.append(sample)
        self._unreachable = self._unreachable + 1 if sample.failure is not None and sample.failure.unreachable else 0
        if self._unreachable == GIVE_UP:
            self.stop()


@contextlib.asynccontextmanager
async def stopped_by_ctrl_c(stop: Callable[[], None]) -> AsyncIterator[None]:
    """Let Ctrl-C call ``stop``; where the event loop cannot, it ends the program as ever."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, stop)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows; a thread that is not the main one
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
