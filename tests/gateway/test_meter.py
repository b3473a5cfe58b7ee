"""One record for every call, whatever becomes of it."""

import asyncio
from contextlib import aclosing

import pytest

from forebay.core.errors import UpstreamError
from forebay.core.types import Attempt, Call, Deployment, Price, Record, Reply, Stream, Usage
from forebay.gateway.meter import Meter
from tests.support.scripted import Piece, Scripted, call, tokens


class Records:
    """A recorder that keeps everything."""

    def __init__(self) -> None:
        self.found: list[Record] = []

    def record(self, record: Record) -> None:
        self.found.append(record)


async def ask(asked: Call, script: list[Piece], usage: Usage | None = None) -> tuple[Reply, Records]:
    records = Records()
    provider = Scripted(script, usage)
    asked.trace.deployment = "p/x"

    async def handler(inner: Call) -> Reply:
        return await provider.answer(inner, Deployment("p/x", "p", "x"))

    return await Meter([records])(asked, handler), records


async def test_a_whole_reply_is_recorded_at_once() -> None:
    _, records = await ask(call(), [b"{}"], Usage(7, 5))
    (record,) = records.found
    assert (record.status, record.outcome, record.principal, record.tenant) == (200, "ok", "alice", "team")
    assert (record.prompt_tokens, record.completion_tokens) == (7, 5)
    assert record.ttft is not None
    assert record.tpot is None
    assert 0 <= record.overhead <= record.latency


async def test_a_stream_is_recorded_at_its_end() -> None:
    reply, records = await ask(call(stream=True), tokens("a", "b", "c"), Usage(7, 3))
    assert isinstance(reply, Stream)
    assert not records.found
    async with aclosing(reply.events) as events:
        assert len([event async for event in events]) == 4
    (record,) = records.found
    assert (record.outcome, record.completion_tokens) == ("ok", 3)
    assert record.ttft is not None
    assert record.tpot is not None
    assert record.ttft + record.tpot * 2 <= record.latency


async def test_a_stream_that_leaves_in_one_piece_has_no_time_per_token() -> None:
    reply, records = await ask(call(stream=True), tokens("all of it"), Usage(7, 30))
    assert isinstance(reply, Stream)
    async with aclosing(reply.events) as events:
        assert [event async for event in events]
    (record,) = records.found
    assert (record.completion_tokens, record.tpot) == (30, None)


async def test_without_a_usage_the_pieces_of_content_are_counted() -> None:
    reply, records = await ask(call(stream=True), tokens("a", "b"))
    assert isinstance(reply, Stream)
    async with aclosing(reply.events) as events:
        assert len([event async for event in events]) == 3
    assert records.found[0].completion_tokens == 2


async def test_a_failed_call_is_recorded_with_its_status() -> None:
    records = Records()

    async def fail(_call: Call) -> Reply:
        raise UpstreamError("x")

    with pytest.raises(UpstreamError):
        await Meter([records])(call(), fail)
    assert [(record.status, record.outcome) for record in records.found] == [(502, "error")]


async def test_an_unexpected_failure_is_recorded_as_500() -> None:
    records = Records()

    async def fail(_call: Call) -> Reply:
        message = "bug"
        raise ValueError(message)

    with pytest.raises(ValueError, match="bug"):
        await Meter([records])(call(), fail)
    assert records.found[0].status == 500


async def test_a_cancelled_call_is_recorded_as_aborted() -> None:
    records = Records()

    async def hang(_call: Call) -> Reply:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    task = asyncio.create_task(Meter([records])(call(), hang))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(record.status, record.outcome) for record in records.found] == [(499, "aborted")]


async def test_a_broken_stream_is_recorded_as_broken_once() -> None:
    reply, records = await ask(call(stream=True), [*tokens("a")[:1], UpstreamError("cut")])
    assert isinstance(reply, Stream)
    async with aclosing(reply.events) as events:
        with pytest.raises(UpstreamError):
            assert [event async for event in events]
    assert [(record.status, record.outcome) for record in records.found] == [(502, "broken")]


@pytest.mark.parametrize("taken", [0, 1])
async def test_a_stream_closed_early_is_recorded_as_aborted(taken: int) -> None:
    reply, records = await ask(call(stream=True), tokens("a", "b"))
    assert isinstance(reply, Stream)
    for _ in range(taken):
        await anext(aiter(reply.events))
    await reply.events.aclose()
    assert [(record.status, record.outcome) for record in records.found] == [(499, "aborted")]
    assert records.found[0].completion_tokens == taken


async def test_attempts_are_in_the_record_when_one_was_not_enough() -> None:
    plain, failed = Attempt("m", "p/x", "first", 0.1, 0.2, "ok"), Attempt("m", "p/x", "first", 0.1, 0.2, "oops")
    for attempts, recorded in (((plain,), ()), ((failed,), (failed,)), ((failed, plain), (failed, plain))):
        asked = call()
        asked.trace.attempts = attempts
        _, records = await ask(asked, [b"{}"], Usage(7, 5))
        assert records.found[0].attempts == recorded


async def test_what_a_race_has_cost_beside_the_winner_is_paid_for() -> None:
    asked = call()
    asked.trace.lost = Usage(7, 2)
    _, records = await ask(asked, [b"{}"], Usage(7, 5))
    assert (records.found[0].prompt_tokens, records.found[0].completion_tokens) == (14, 7)


PRICE = Price(input=10, output=100, cached_input=1, cache_write=20, long_cache_write=40)


async def test_the_cost_stands_in_the_record_and_the_trace() -> None:
    asked = call()
    asked.trace.price = PRICE
    _, records = await ask(asked, [b"{}"], Usage(7, 5, 2, 1, 3))
    (record,) = records.found
    assert record.cost == asked.trace.cost == 4 * 10 + 2 * 1 + 1 * 20 + 5 * 100
    assert (record.cached_tokens, record.cache_write_tokens, record.reasoning_tokens) == (2, 1, 3)


async def test_a_stream_that_was_left_is_billed_for_what_had_come() -> None:
    asked = call(stream=True)
    asked.trace.price = PRICE
    reply, records = await ask(asked, tokens("a", "b", "c"), Usage(7))
    assert isinstance(reply, Stream)
    async with aclosing(reply.events) as events:
        await anext(aiter(events))
        await anext(aiter(events))
    (record,) = records.found
    assert (record.outcome, record.cost) == ("aborted", 7 * 10 + 2 * 100)


@pytest.mark.parametrize(("price", "usage"), [(None, Usage(7, 5)), (PRICE, None)])
async def test_without_a_price_or_a_usage_the_cost_is_unknown(price: Price | None, usage: Usage | None) -> None:
    asked = call()
    asked.trace.price = price
    _, records = await ask(asked, [b"{}"], usage)
    assert records.found[0].cost is None


@pytest.mark.parametrize("usage", [Usage(-5_000_000, 1), Usage(3, 10**30), Usage(3, 1, -1), Usage(3, 1, 0, 0, 10**10)])
@pytest.mark.parametrize("stream", [True, False])
async def test_nonsense_is_no_usage(usage: Usage, *, stream: bool) -> None:
    asked = call(stream=stream)
    asked.trace.price = PRICE
    reply, records = await ask(asked, tokens("a", "b") if stream else [b"{}"], usage)
    if isinstance(reply, Stream):
        async with aclosing(reply.events) as events:
            assert len([event async for event in events]) == 3
    (record,) = records.found
    assert (record.cost, record.prompt_tokens, record.cached_tokens, record.reasoning_tokens) == (None, 0, 0, 0)
    assert record.completion_tokens == asked.trace.chunks
