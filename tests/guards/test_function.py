"""Guards that are functions run where they hold up nobody."""

import asyncio
import threading

import pytest

from forebay.core.verdicts import PASSED, Context, Side, Verdict
from forebay.guards import Judged
from forebay.guards.threads import THREADS

CONTEXT = Context(Side.INPUT)


def here(_text: str, _context: Context) -> Verdict:
    return Verdict(PASSED.action, reason=threading.current_thread().name)


async def test_short_texts_are_judged_at_once() -> None:
    guard = Judged(here, at_once=3)
    assert (await guard.check("abc", CONTEXT)).reason == threading.current_thread().name
    assert (await guard.check("abcd", CONTEXT)).reason == "guard"


async def test_what_a_function_raises_is_raised() -> None:
    def broken(_text: str, _context: Context) -> Verdict:
        raise LookupError

    with pytest.raises(LookupError):
        await Judged(broken).check("a", CONTEXT)


async def test_a_function_that_hangs_holds_up_no_other() -> None:
    let_go = threading.Event()

    def hangs(_text: str, _context: Context) -> Verdict:
        let_go.wait()
        return PASSED

    guard = Judged(hangs)
    for _ in range(THREADS + 1):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await guard.check("a", CONTEXT)
    assert await Judged(here).check("a", CONTEXT)
    let_go.set()
    assert await guard.check("a", CONTEXT) == PASSED
