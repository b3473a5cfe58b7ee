"""A few threads for one guard, that die with the process: a function that never returns holds up nobody else.

The threads of `concurrent.futures` are waited for when a process ends, for as long as they run.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Final

THREADS: Final = 2

Work = Callable[[], Any]


class Threads:
    """At most `THREADS` of them, begun when there is work; what waits is done in its order."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[Work, asyncio.Future[Any]]] = SimpleQueue()
        self._begun = 0

    async def run(self, work: Work) -> Any:  # noqa: ANN401  # whatever the work returns
        """What ``work`` returns or raises; whoever stops waiting leaves it running, unless it had not begun."""
        future = asyncio.get_running_loop().create_future()
        self._queue.put((work, future))
        if self._begun < THREADS:
            self._begun += 1
            threading.Thread(target=self._work, name="guard", daemon=True).start()
        return await future

    def _work(self) -> None:
        while True:
            work, future = self._queue.get()
            if future.cancelled():
                continue
            try:
                tell, result = future.set_result, work()
            except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
                tell, result = future.set_exception, error
            with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(_settle, future, tell, result)
            del work, future, tell, result


def _settle(future: asyncio.Future[Any], tell: Callable[[Any], None], result: object) -> None:
    if not future.cancelled():
        tell(result)
