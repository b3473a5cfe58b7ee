"""How long a callback truly held the event loop: without the time in which the machine or the test session held it.

A wall clock alone cannot tell a blocking call from a machine that had no processor for us, and a busy machine has none
quite often. So what was waited for a processor (the thread's own run queue, ``/proc/thread-self/schedstat``, and what
the hypervisor took, ``/proc/stat``), what other threads computed meanwhile (libraries import half of themselves in
them, and hold the interpreter's lock), and what collecting the garbage of a session of thousands of tests took, is not
counted. Where there is no ``/proc``, only the last two are subtracted.
"""

import asyncio
import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEDSTAT = Path("/proc/thread-self/schedstat")
STAT = Path("/proc/stat")
STEAL_COLUMN = 8
# How old the reading before a callback may be: reading /proc before each of them would cost more than most of them do.
FRESH_SECONDS = 0.02


def _waited() -> float:
    """Seconds this thread has been ready to run without a processor, its machine without one, or others computed."""
    others = time.process_time() - time.thread_time()
    if not SCHEDSTAT.exists():
        return others
    queued = int(SCHEDSTAT.read_text(encoding="ascii").split()[1]) / 1e9
    first = STAT.read_text(encoding="ascii").split("\n", 1)[0].split()
    return others + queued + int(first[STEAL_COLUMN]) / os.sysconf("SC_CLK_TCK")


class _Collections:
    """What the garbage collector has taken, in seconds."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = 0.0

    def __call__(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.seconds += time.perf_counter() - self._began


class _Reading(threading.local):
    """What a thread had waited when it was last looked at."""

    at = float("-inf")
    waited = 0.0


def _described(handle: asyncio.Handle) -> str:
    owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]
    return repr(owner if isinstance(owner, asyncio.Task) else handle)


@contextmanager
def watched(limit: float, allowed: Callable[[str], bool]) -> Iterator[list[str]]:
    """Collect what holds an event loop for longer than `limit` seconds, unless `allowed` says that it may.

    Yields:
        The list that grows by a line for each such callback.
    """
    blocked: list[str] = []
    collections, reading = _Collections(), _Reading()
    plain = asyncio.Handle._run

    def run(handle: asyncio.Handle) -> Any:
        began, collected = time.perf_counter(), collections.seconds
        if began - reading.at > FRESH_SECONDS:
            reading.at, reading.waited = began, _waited()
        try:
            return plain(handle)
        finally:
            took = time.perf_counter() - began
            if took > limit:
                took -= _waited() - reading.waited + collections.seconds - collected
            if took > limit and not allowed(description := _described(handle)):
                blocked.append(f"{description} took {took:.3f} seconds")

    gc.callbacks.append(collections)
    asyncio.Handle._run = run  # type: ignore[assignment]
    try:
        yield blocked
    finally:
        asyncio.Handle._run = plain  # type: ignore[method-assign]
        gc.callbacks.remove(collections)
