"""A callback that blocks is found, and one that only had no processor is not."""

import asyncio
import gc
import os
import re
import subprocess
import sys
import time

import pytest

from tests.support.blocking import watched

LIMIT = 0.05


def _never(_description: str) -> bool:
    return False


def _in_a_loop(seconds: float) -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(time.sleep, seconds)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())


def test_a_callback_that_sleeps_is_found() -> None:
    with watched(LIMIT, _never) as blocked:
        _in_a_loop(4 * LIMIT)
    assert len(blocked) == 1
    assert re.search(r"sleep.*took 0\.[12]\d* seconds", blocked[0])


def test_a_short_one_is_not() -> None:
    with watched(LIMIT, _never) as blocked:
        _in_a_loop(LIMIT / 10)
    assert not blocked


def test_one_that_is_allowed_is_not() -> None:
    with watched(LIMIT, lambda description: "sleep" in description) as blocked:
        _in_a_loop(4 * LIMIT)
    assert not blocked


def test_the_sessions_own_garbage_is_not_the_callbacks_fault() -> None:
    heap = [[number] for number in range(1_000_000)]
    began = time.perf_counter()
    gc.collect()
    took = time.perf_counter() - began
    with watched(took / 2, _never) as blocked:

        async def main() -> None:
            asyncio.get_running_loop().call_soon(gc.collect)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        asyncio.run(main())
    assert len(heap) == 1_000_000
    assert not blocked


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how long a thread waited")
def test_waiting_for_a_processor_is_not_blocking() -> None:
    # One processor for two threads of execution: the callback computes and is off it about half of the time.
    before = os.sched_getaffinity(0)
    one = {min(before)}
    os.sched_setaffinity(0, one)
    rival = subprocess.Popen([sys.executable, "-c", "while True: pass"])

    def compute(seconds: float) -> None:
        began = time.thread_time()
        while time.thread_time() - began < seconds:
            pass

    try:
        with watched(0.24, _never) as blocked:

            async def main() -> None:
                asyncio.get_running_loop().call_soon(compute, 0.2)
                await asyncio.sleep(0)
                await asyncio.sleep(0)

            began = time.perf_counter()
            asyncio.run(main())
            wall = time.perf_counter() - began
    finally:
        rival.kill()
        rival.wait()
        os.sched_setaffinity(0, before)
    assert wall > 0.24, "the rival took no time from it, so nothing was shown"
    assert not blocked
