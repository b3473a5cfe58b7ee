"""Time-outs for what has no socket."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from forebay.core.errors import UpstreamError, UpstreamTimeoutError
from forebay.core.patience import in_time
from forebay.core.stream import Primed
from forebay.core.types import Event, Reply, Stream, TimeOuts, Whole

QUICK = TimeOuts(first_token=0.02, between_tokens=0.03, total=0.1)


class Model:
    """Pauses before each of its answers and events."""

    def __init__(self, *pauses: float) -> None:
        self.pauses = pauses
        self.running = 0

    async def whole(self) -> Reply:
        self.running += 1
        try:
            await asyncio.sleep(self.pauses[0])
        finally:
            self.running -= 1
        return Whole(b"{}")

    async def stream(self) -> Reply:
        return Stream(await Primed.of(self._events()))

    async def _events(self) -> AsyncGenerator[Event, None]:
        self.running += 1
        try:
            for pause in self.pauses:
                await asyncio.sleep(pause)
                yield Event(b"x")
        finally:
            self.running -= 1


async def read(reply: Reply) -> int:
    assert isinstance(reply, Stream)
    async with aclosing(reply.events) as events:
        return len([event async for event in events])


async def test_what_is_in_time_is_what_it_was() -> None:
    assert await in_time(Model(0.04).whole(), QUICK, stream=False) == Whole(b"{}")
    assert await read(await in_time(Model(0, 0, 0).stream(), QUICK, stream=True)) == 3


@pytest.mark.parametrize(
    ("pauses", "which"), [((9,), "first_token"), ((0, 9), "between_tokens"), ((0.01,) * 30, "total")]
)
async def test_a_late_stream_ends_and_nothing_is_left(pauses: tuple[float, ...], which: str) -> None:
    model = Model(*pauses)
    with pytest.raises(UpstreamTimeoutError, match=which):
        await read(await in_time(model.stream(), QUICK, stream=True))
    assert not model.running


async def test_a_late_whole_answer_is_cancelled() -> None:
    model = Model(9)
    with pytest.raises(UpstreamTimeoutError, match="total"):
        await in_time(model.whole(), QUICK, stream=False)
    assert not model.running


async def test_a_failure_stays_a_failure() -> None:
    async def fail() -> Reply:
        raise UpstreamError("x")

    with pytest.raises(UpstreamError):
        await in_time(fail(), QUICK, stream=True)


async def test_closing_early_closes_what_is_behind() -> None:
    model = Model(0, 9)
    reply = await in_time(model.stream(), QUICK, stream=True)
    assert isinstance(reply, Stream)
    await reply.events.aclose()
    assert not model.running
