"""What follows a store: sees what is new, says once that it cannot, and ends between two looks."""

import asyncio
import logging

import pytest

from forebay.core.errors import UnavailableError
from forebay.core.following import Following
from tests.support.until import until


class Store:
    """Counts looks, and is away if it is told so."""

    def __init__(self) -> None:
        self.looks = 0
        self.away = False
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def look(self) -> None:
        self.entered.set()
        await self.gate.wait()
        self.looks += 1
        if self.away:
            raise UnavailableError("It is away.")


async def test_it_looks_at_once_and_again() -> None:
    store = Store()
    following = Following(store.look, 0.01, "nothing is seen")
    await following.start()
    assert store.looks == 1
    await until(lambda: store.looks > 2)
    await following.close()
    seen = store.looks
    await asyncio.sleep(0.03)
    assert store.looks == seen


async def test_an_outage_is_told_once_and_survived(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    following = Following(store.look, 0.01, "nothing is seen")
    store.away = True
    with caplog.at_level(logging.WARNING, "forebay.store"):
        await following.start()
        await until(lambda: store.looks > 2)
        assert caplog.messages == ["nothing is seen while the store is away"]
        store.away = False
        seen = store.looks
        await until(lambda: store.looks > seen + 1)
        store.away = True
        await until(lambda: len(caplog.messages) > 1)
    await following.close()


async def test_closing_waits_for_the_look_that_is_under_way() -> None:
    store = Store()
    following = Following(store.look, 0.01, "nothing is seen")
    await following.start()
    store.gate.clear()
    store.entered.clear()
    await store.entered.wait()
    closing = asyncio.create_task(following.close())
    await asyncio.sleep(0)
    assert not closing.done()
    store.gate.set()
    await closing
    assert store.looks > 1


async def test_what_was_never_started_can_be_closed() -> None:
    await Following(Store().look, 1.0, "nothing is seen").close()
