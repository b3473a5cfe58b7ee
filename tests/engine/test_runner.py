"""The engine's thread: what goes in comes out, what is cancelled stops, and nobody waits for a dead one."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from forebay.core.errors import RateLimitError, ServerError, UnavailableError
from forebay.engine.batch import Floats
from forebay.engine.core import Engine
from forebay.engine.runner import Runner
from forebay.engine.sequence import Output, Sampling, Sequence
from tests.support.paged import Memory, continuation

VOCABULARY = 1000


class Slow(Memory):
    """Takes its time, and waits while ``go`` is not set; may break."""

    def __init__(self) -> None:
        super().__init__(100, VOCABULARY)
        self.go = threading.Event()
        self.go.set()
        self.broken = False

    def step(self, *args: object, **options: object) -> Floats:
        assert self.go.wait(10)
        if self.broken:
            raise RuntimeError("out of order")
        time.sleep(0.002)
        return super().step(*args, **options)  # type: ignore[arg-type]


class Inbox:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.thread = threading.get_ident()

    def receive(self, output: Output, /) -> None:
        assert threading.get_ident() == self.thread, "told in the engine's thread"
        self.outputs.append(output)
        if output.finish:
            self.ended.set_result(None)

    def fail(self, error: Exception, /) -> None:
        self.ended.set_exception(error)
        self.ended.exception()  # Not every test waits for it.


def asked(inbox: Inbox, max_tokens: int = 5, prompt: tuple[int, ...] = (1, 2, 3)) -> Sequence:
    return Sequence(list(prompt), Sampling(max_tokens=max_tokens, temperature=0.0), inbox, stop_ids=frozenset())


@asynccontextmanager
async def started(graph: Memory, limit: int = 10) -> AsyncIterator[tuple[Runner, Engine]]:
    runner = Runner(limit)
    engine = await runner.start(lambda: Engine(graph, max_running=4, max_batched_tokens=100))
    try:
        yield runner, engine
    finally:
        await runner.close()


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a thread
            await asyncio.sleep(0.005)


async def test_tokens_arrive_in_order_and_on_the_event_loop() -> None:
    async with started(Slow()) as (runner, engine):
        inboxes = [Inbox() for _ in range(6)]
        for number, inbox in enumerate(inboxes):
            runner.submit([asked(inbox, 7, (number, 1))])
        assert runner.live == 6
        await asyncio.gather(*(inbox.ended for inbox in inboxes))
        for number, inbox in enumerate(inboxes):
            assert [output.token for output in inbox.outputs] == continuation((number, 1), 7, VOCABULARY)
        assert runner.live == 0
        assert engine.generated == 42
        assert engine.blocks.used == 0


async def test_the_event_loop_lives_on_while_the_engine_computes() -> None:
    graph = Slow()
    async with started(graph) as (runner, _):
        graph.go.clear()
        inbox = Inbox()
        runner.submit([asked(inbox)])
        await asyncio.sleep(0.05)
        graph.go.set()
        await inbox.ended


async def test_a_cancelled_sequence_frees_its_blocks_and_says_nothing_more() -> None:
    async with started(Slow()) as (runner, engine):
        inbox, other = Inbox(), Inbox()
        sequence = asked(inbox, 1000)
        runner.submit([sequence])
        runner.submit([asked(other, 50)])
        await eventually(lambda: len(inbox.outputs) > 3)
        runner.cancel(sequence)
        told = len(inbox.outputs)
        await other.ended
        assert len(inbox.outputs) == told
        assert engine.blocks.used == 0
        runner.cancel(sequence)
        assert runner.live == 0


async def test_who_waits_can_be_cancelled_too() -> None:
    graph = Slow()
    async with started(graph) as (runner, engine):
        graph.go.clear()
        sequences = [asked(Inbox(), 1000) for _ in range(8)]
        runner.submit(sequences)
        for sequence in sequences:
            runner.cancel(sequence)
        graph.go.set()
        await eventually(lambda: not engine.scheduler.busy)
        assert engine.blocks.used == 0


async def test_too_many_are_refused_all_or_none() -> None:
    async with started(Slow(), limit=3) as (runner, _):
        sequences = [asked(Inbox(), 1000) for _ in range(2)]
        runner.submit(sequences)
        with pytest.raises(RateLimitError) as caught:
            runner.submit([asked(Inbox()), asked(Inbox())])
        assert int(caught.value.headers["retry-after"]) > 0
        assert runner.live == 2
        runner.cancel(sequences[0])
        inboxes = [Inbox(), Inbox()]
        runner.submit([asked(inbox) for inbox in inboxes])
        await asyncio.gather(*(inbox.ended for inbox in inboxes))


async def test_nobody_waits_for_a_thread_that_died(caplog: pytest.LogCaptureFixture) -> None:
    graph = Slow()
    async with started(graph) as (runner, _):
        inboxes = [Inbox() for _ in range(6)]
        runner.submit([asked(inbox, 1000) for inbox in inboxes])
        await eventually(lambda: bool(inboxes[0].outputs))
        assert runner.failure() is None
        graph.broken = True
        for inbox in inboxes:
            with pytest.raises(ServerError):
                await inbox.ended
        assert runner.failure()
        with pytest.raises(ServerError):
            runner.submit([asked(Inbox())])
        assert runner.live == 0
    assert "out of order" in caplog.text


async def test_what_loading_raises_start_raises() -> None:
    def load() -> Engine:
        raise ValueError("no such model")

    runner = Runner(1)
    with pytest.raises(ValueError, match="no such model"):
        await runner.start(load)
    assert runner.failure()
    await runner.close()


async def test_before_its_start_and_after_its_end_nothing_is_taken() -> None:
    runner = Runner(1)
    with pytest.raises(UnavailableError):
        runner.check()
    await runner.close()
    async with started(Slow()) as (runner, _):
        runner.check()
    with pytest.raises(UnavailableError):
        runner.submit([asked(Inbox())])


async def test_closing_ends_the_thread_and_tells_who_waits() -> None:
    before = threading.active_count()
    async with started(Slow()) as (runner, _):
        inboxes = [Inbox() for _ in range(6)]
        runner.submit([asked(inbox, 1000) for inbox in inboxes])
        await eventually(lambda: bool(inboxes[0].outputs))
    for inbox in inboxes:
        with pytest.raises(UnavailableError):
            await inbox.ended
    await eventually(lambda: threading.active_count() <= before + 1)


async def test_a_start_that_is_given_up_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    go = threading.Event()

    def load() -> Engine:
        assert go.wait(10)
        return Engine(Slow(), max_running=4, max_batched_tokens=100)

    runner = Runner(1)
    starting = asyncio.create_task(runner.start(load))
    await asyncio.sleep(0.01)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    go.set()
    await runner.close()
    assert not caplog.records
