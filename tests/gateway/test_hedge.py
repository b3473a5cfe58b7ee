"""Two are asked, one answers, nothing is left of the other."""

import asyncio
from contextlib import aclosing

import msgspec
import pytest

from forebay.core.errors import InvalidRequestError, UpstreamError
from forebay.core.types import Call, Live, Price, Stream, Usage, Whole
from forebay.gateway.route import Route
from forebay.gateway.target import Model
from forebay.settings import HedgeSettings
from tests.gateway.test_resilience import BAD, model, read, route, tried
from tests.support.scripted import call
from tests.support.turns import Turns, until

SOON = HedgeSettings(after=0.01, least=0.0)


def hedging(*providers: Turns, hedge: HedgeSettings = SOON) -> tuple[Model, Route]:
    made = model(*providers, hedge=hedge)
    return made, route(made)


def idle(made: Model) -> bool:
    return not any(each.live.running for each in made.targets)


async def test_a_quick_first_is_the_only_one() -> None:
    second = Turns(b"2")
    made, ask = hedging(Turns(b"1"), second)
    assert await read(await ask(call())) == b"1"
    assert not second.asked
    assert idle(made)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_slow_first_loses_and_is_cancelled(stream: bool) -> None:  # noqa: FBT001
    first, second = Turns(asyncio.Event(), b"1"), Turns(b"2", usage=Usage(3, 1))
    made, ask = hedging(first, second)
    asked = call(stream=stream)
    reply = await ask(asked)
    assert (first.cancelled, first.running) == (1, 0)
    assert b"2" in await read(reply)
    assert tried(asked) == [("m0/x", "first", "aborted"), ("m1/x", "hedge", "ok")]
    assert asked.trace.deployment == "m1/x"
    assert asked.trace.usage == Usage(3, 1)
    assert asked.trace.provider_started
    assert idle(made)


async def test_content_wins_not_a_role() -> None:
    gate = asyncio.Event()
    first, second = Turns(b"1", slow=gate), Turns(b"2")
    made, ask = hedging(first, second)
    reply = await ask(call(stream=True))
    assert first.running == 0
    data = await read(reply)
    assert b"2" in data
    assert data.startswith(b'data: {"role"')
    assert idle(made)


async def test_a_first_that_comes_back_wins_and_the_second_is_cancelled() -> None:
    gate = asyncio.Event()
    first, second = Turns(gate, b"1"), Turns(asyncio.Event(), b"2")
    made, ask = hedging(first, second)
    running = asyncio.create_task(ask(call()))
    await until(lambda: second.asked)
    gate.set()
    assert await read(await running) == b"1"
    assert (second.cancelled, second.running) == (1, 0)
    assert idle(made)


async def test_what_the_loser_cost_is_known() -> None:
    class Counts(Turns):
        async def _turn(self) -> bytes:
            self.asked[-1][0].trace.usage = Usage(7, 2, 1)
            return await super()._turn()

    first, second = Counts(asyncio.Event(), b"1"), Turns(b"2", usage=Usage(3, 1))
    _, ask = hedging(first, second)
    asked = call()
    await ask(asked)
    assert (asked.trace.usage, asked.trace.lost) == (Usage(3, 1), Usage(7, 2, 1))
    assert asked.trace.lost_cost is None


@pytest.mark.parametrize(("counted", "lost"), [(Usage(7, 2, 1), 6 * 10 + 1 + 2 * 100), (None, None)])
async def test_what_the_loser_cost_is_paid_at_its_own_price(counted: Usage | None, lost: int | None) -> None:
    class Counts(Turns):
        async def _turn(self) -> bytes:
            trace = self.asked[-1][0].trace
            trace.usage, trace.provider_started = counted, 1.0
            return await super()._turn()

    made, _ = hedging(Counts(asyncio.Event(), b"1"), Turns(b"2", usage=Usage(3, 1)))
    prices = (Price(10, 100, 1, 0, 0), Price(1, 1, 1, 1, 1))
    targets = [
        msgspec.structs.replace(each, deployment=msgspec.structs.replace(each.deployment, price=price))
        for each, price in zip(made.targets, prices, strict=True)
    ]
    asked = call()
    await route(msgspec.structs.replace(made, targets=tuple(targets)))(asked)
    assert (asked.trace.lost_cost, asked.trace.price) == (lost, prices[1])


async def test_a_failure_is_followed_by_the_next_and_never_more_than_two_run() -> None:
    gate = asyncio.Event()
    first, second, third = Turns(gate, BAD), Turns(BAD), Turns(b"3")
    made, ask = hedging(first, second, third)
    asked = call()
    assert await read(await ask(asked)) == b"3"
    assert [each[:2] for each in tried(asked)] == [("m0/x", "first"), ("m1/x", "hedge"), ("m2/x", "next")]
    assert idle(made)


async def test_when_all_fail_the_last_failure_is_told() -> None:
    made, ask = hedging(Turns(BAD), Turns(UpstreamError("last")))
    with pytest.raises(UpstreamError, match="last"):
        await ask(call())
    assert idle(made)


async def test_what_is_the_request_s_own_fault_ends_it() -> None:
    second = Turns(asyncio.Event(), b"2")
    made, ask = hedging(Turns(asyncio.Event(), b"1"), second)
    made.targets[0].provider.turns = [_after(second), InvalidRequestError("no")]  # type: ignore[attr-defined]
    with pytest.raises(InvalidRequestError):
        await ask(call())
    assert second.cancelled == 1
    assert idle(made)


def _after(other: Turns) -> asyncio.Event:
    """Set as soon as ``other`` is asked."""

    class Asked(asyncio.Event):
        async def wait(self) -> bool:  # type: ignore[override]
            await until(lambda: other.asked)
            return True

    return Asked()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_cancels_both(stream: bool) -> None:  # noqa: FBT001
    first, second = Turns(asyncio.Event(), b"1"), Turns(b"2", slow=asyncio.Event())
    if not stream:
        second.turns.insert(0, asyncio.Event())
    made, ask = hedging(first, second)
    running = asyncio.create_task(ask(call(stream=stream)))
    await until(lambda: second.running)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (first.running, second.running) == (0, 0)
    assert idle(made)


async def test_a_winner_closed_early_is_freed() -> None:
    second = Turns(b"2")
    made, ask = hedging(Turns(asyncio.Event(), b"1"), second)
    reply = await ask(call(stream=True))
    assert isinstance(reply, Stream)
    async with aclosing(reply.events):
        assert second.running == 1
    assert second.running == 0
    assert idle(made)


async def test_p95_is_the_deployment_s_own_and_without_figures_there_is_no_hedge() -> None:
    gate = asyncio.Event()
    second = Turns(b"2")
    made, ask = hedging(Turns(gate, b"1"), second, hedge=HedgeSettings(least=0.0))
    running: asyncio.Task[Stream | Whole] = asyncio.create_task(_asked(ask, call()))
    await asyncio.sleep(0.05)
    assert not second.asked
    gate.set()
    await running
    live: Live = made.targets[0].live
    live.ttft, live.deviation = 0.01, 0.005
    made.targets[0].provider.turns = [asyncio.Event(), b"1"]  # type: ignore[attr-defined]
    assert await read(await ask(call())) == b"2"


async def _asked(ask: Route, asked: Call) -> Stream | Whole:
    return await ask(asked)
