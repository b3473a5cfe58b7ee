"""What the cache does with calls: hit, miss, refresh, bypass, and what it never keeps."""

import asyncio
from typing import Any

import msgspec
import pytest

from forebay.cache.memory import MemoryStore
from forebay.core.cachecontrol import CacheControl
from forebay.core.entries import CacheUnavailableError, Entry
from forebay.core.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    NotCachedError,
    UpstreamError,
    UpstreamTimeoutError,
)
from forebay.core.stream import DONE, event
from forebay.core.types import Operation, Stream
from tests.support.cached import SETTINGS, Site, chunk, chunks, completion, read, text_of


async def test_the_second_time_it_comes_out_of_the_cache_with_an_id_and_a_time_of_its_own() -> None:
    site = Site([completion()])
    label, first = await site.fetch()
    await site.settle()
    site.clock.now += 5
    call = site.call()
    reply = await site.ask(call)
    hit, second = await read(reply)
    assert (label, hit, site.asked) == ("MISS", "HIT", 1)
    assert dict(reply.headers)["age"] == "5"
    assert second["id"] == "chatcmpl-0002"
    assert second["created"] == int(site.clock.now)
    assert {**second, "id": 0, "created": 0} == {**first, "id": 0, "created": 0}
    assert (call.trace.cache, call.trace.deployment) == ("hit", "cache")
    assert call.trace.price is not None
    assert call.trace.price.cost(call.trace.usage or pytest.fail("no usage"), 9) == 0


async def test_streamed_and_plain_share_an_entry() -> None:
    site = Site(chunks("Hel", "lo"))
    label, streamed = await site.fetch(stream=True)
    await site.settle()
    hit, whole = await site.fetch()
    again, replayed = await site.fetch(stream=True)
    assert (label, hit, again, site.asked) == ("MISS", "HIT", "HIT", 1)
    assert text_of(streamed) == text_of(whole) == text_of(replayed) == "Hello"
    assert whole["object"] == "chat.completion"
    assert whole["usage"]["total_tokens"] == 4
    assert [each["choices"][0]["finish_reason"] for each in replayed] == [None, "stop"]
    assert len({each["id"] for each in replayed}) == 1
    assert all("usage" not in each for each in replayed)


async def test_a_replay_has_a_usage_if_it_was_asked_for() -> None:
    site = Site([completion()])
    await site.fetch()
    await site.settle()
    _, replayed = await site.fetch(stream=True, usage=True)
    assert replayed[-1]["choices"] == []
    assert replayed[-1]["usage"]["total_tokens"] == 4
    assert [each["usage"] for each in replayed[:-1]] == [None, None]


async def test_tool_calls_are_collected_and_replayed() -> None:
    pieces: list[dict[str, Any]] = [
        {"role": "assistant", "content": None},
        {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": " 1}"}}]},
        {
            "tool_calls": [
                {"index": 1, "id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{}"}}
            ]
        },
    ]
    site = Site([*(event(chunk(each)) for each in pieces), event(chunk({}, "tool_calls")), DONE])
    await site.fetch(stream=True)
    await site.settle()
    hit, whole = await site.fetch()
    assert hit == "HIT"
    assert whole["choices"][0]["message"]["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
        {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]
    _, replayed = await site.fetch(stream=True)
    assert [each["index"] for each in replayed[0]["choices"][0]["delta"]["tool_calls"]] == [0, 1]
    assert replayed[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([completion(finish="length")], id="cut off"),
        pytest.param([completion(finish="content_filter")], id="filtered"),
        pytest.param([b'{"choices": []}'], id="no choices"),
        pytest.param([b"not json"], id="no JSON"),
        pytest.param([b'{"error": {"message": "x"}, "choices": [{"finish_reason": "stop"}]}'], id="an error with 200"),
        pytest.param(
            [completion("", "tool_calls", tool_calls=[{"function": {"name": "f", "arguments": '{"a"'}}])],
            id="a broken tool call",
        ),
        pytest.param([completion("x" * 2_000_000)], id="larger than an entry may be"),
    ],
)
async def test_what_is_not_whole_and_well_is_not_kept(script: list[bytes]) -> None:
    site = Site(script)
    for _ in range(2):
        reply = await site.ask(site.call())
        assert dict(reply.headers)["x-cache"] == "MISS"
        await site.settle()
    assert site.asked == 2
    assert site.keeper.counts.refused == 2


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(chunks("a", finish="length"), id="cut off"),
        pytest.param(chunks("a")[:-1], id="without its end"),
        pytest.param(chunks("a", finish=None), id="without a finish reason"),
        pytest.param([event(chunk({"thought": "a"})), event(chunk({"thought": "b"}, "stop")), DONE], id="unclear"),
        pytest.param([event(b"{"), DONE], id="no JSON"),
        pytest.param([event(b"[]"), DONE], id="no object"),
        pytest.param([event(b'{"error": {"message": "x"}}'), DONE], id="an error"),
    ],
)
async def test_streams_that_are_not_whole_are_not_kept(script: list[bytes]) -> None:
    site = Site(script)
    for _ in range(2):
        reply = await site.ask(site.call(stream=True))
        assert isinstance(reply, Stream)
        async for _event in reply.events:
            pass
        await site.settle()
    assert site.asked == 2


async def test_a_stream_that_breaks_or_is_left_is_not_kept() -> None:
    site = Site([*chunks("a")[:2], UpstreamError("cut")])
    reply = await site.ask(site.call(stream=True))
    assert isinstance(reply, Stream)
    with pytest.raises(UpstreamError):
        _ = [each async for each in reply.events]
    site.provider.script = chunks("a", "b")
    reply = await site.ask(site.call(stream=True))
    assert isinstance(reply, Stream)
    await anext(aiter(reply.events))
    await reply.events.aclose()
    assert site.provider.running == 0
    assert site.keeper.flights.find(b"") is None
    assert (await site.fetch(stream=True))[0] == "MISS"


async def test_a_failure_is_not_kept() -> None:
    site = Site([UpstreamError("down")])
    with pytest.raises(UpstreamError):
        await site.ask(site.call())
    site.provider.script = [completion()]
    assert (await site.fetch())[0] == "MISS"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"messages": [{"role": "user", "content": "?"}]}),
        ({}, {"temperature": 0}),
        ({"tools": []}, {"tools": [{"type": "function", "function": {"name": "f"}}]}),
        ({}, {"extra_knob": 1}),
        ({"seed": 1}, {"seed": 2}),
        ({"tenant": "a"}, {"tenant": "b"}),
        ({"cache": CacheControl(namespace="a")}, {"cache": CacheControl(namespace="b")}),
    ],
)
async def test_other_requests_have_other_entries(first: dict[str, Any], second: dict[str, Any]) -> None:
    site = Site([completion()])
    await site.fetch(**first)
    await site.settle()
    assert (await site.fetch(**second))[0] == "MISS"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"temperature": 1, "seed": 2}, {"seed": 2, "temperature": 1}),
        ({"user": "a"}, {"user": "b"}),
        ({"metadata": {"x": "1"}}, {}),
    ],
)
async def test_what_changes_no_answer_changes_no_entry(first: dict[str, Any], second: dict[str, Any]) -> None:
    site = Site([completion()])
    await site.fetch(**first)
    await site.settle()
    assert (await site.fetch(**second))[0] == "HIT"


async def test_the_provider_gets_what_was_keyed_and_nothing_else() -> None:
    site = Site([completion()])
    twice = msgspec.structs.replace(
        site.call().request,
        body=b'{"model": "m", "messages": [{"content": "evil"}], "messages": [{"content": "good"}]}',
    )
    await site.ask(msgspec.structs.replace(site.call(), request=twice))
    (asked, _) = site.provider.calls[0]
    assert asked.request.body == b'{"model":"m","messages":[{"content":"good"}]}'


async def test_who_may_not_use_the_model_gets_no_hit_either() -> None:
    site = Site([completion()])
    await site.fetch()
    await site.settle()
    with pytest.raises(ModelNotFoundError):
        await site.ask(site.call(models=frozenset({"other"})))


async def test_tenants_share_if_the_configuration_says_so() -> None:
    site = Site([completion()], msgspec.structs.replace(SETTINGS, shared=True))
    await site.fetch(tenant="a")
    await site.settle()
    assert (await site.fetch(tenant="b"))[0] == "HIT"


async def test_no_cache_refreshes() -> None:
    site = Site([completion("old")])
    await site.fetch()
    await site.settle()
    site.provider.script = [completion("new")]
    label, _ = await site.fetch(header="no-cache")
    await site.settle()
    hit, answer = await site.fetch()
    assert (label, hit, text_of(answer)) == ("REFRESH", "HIT", "new")


@pytest.mark.parametrize("how", [{"header": "no-store"}, {"cache": CacheControl(no_store=True)}])
async def test_no_store_stores_nothing(how: dict[str, Any]) -> None:
    site = Site([completion()])
    assert (await site.fetch(**how))[0] == "MISS"
    await site.settle()
    assert (await site.fetch())[0] == "MISS"


async def test_no_store_and_no_cache_pass_by_and_so_does_a_model_whose_cache_is_off() -> None:
    assert (await Site([completion()]).fetch(header="no-store, no-cache"))[0] == "BYPASS"
    assert (await Site([completion()], mode="off").fetch())[0] == "BYPASS"
    assert (await Site([completion()]).fetch(cache=CacheControl(mode="off")))[0] == "BYPASS"


@pytest.mark.parametrize("how", [{"header": "max-age=10"}, {"cache": CacheControl(s_maxage=10)}])
async def test_an_entry_may_be_too_old_for_a_caller(how: dict[str, Any]) -> None:
    site = Site([completion()])
    await site.fetch()
    await site.settle()
    site.clock.now += 9
    assert (await site.fetch(**how))[0] == "HIT"
    site.clock.now += 2
    assert (await site.fetch())[0] == "HIT"
    assert (await site.fetch(**how))[0] == "MISS"


async def test_only_if_cached_is_answered_from_the_cache_or_with_504() -> None:
    site = Site([completion()])
    with pytest.raises(NotCachedError) as refused:
        await site.ask(site.call(header="only-if-cached"))
    assert (refused.value.status, refused.value.code, site.asked) == (504, "not_cached", 0)
    await site.fetch()
    await site.settle()
    assert (await site.fetch(header="only-if-cached"))[0] == "HIT"


async def test_a_time_to_live_is_absolute_and_bounded() -> None:
    site = Site([completion()], msgspec.structs.replace(SETTINGS, ttl=100.0, max_ttl=200.0))
    for ttl, lives in ((None, 100), (50.0, 50), (1000.0, 200)):
        how: dict[str, Any] = {"seed": lives, "cache": CacheControl(ttl=ttl)}
        await site.fetch(**how)
        await site.settle()
        site.clock.now += lives - 1
        assert (await site.fetch(**how))[0] == "HIT"
        site.clock.now += 1
        assert (await site.fetch(**how))[0] == "MISS"
        await site.settle()


async def test_a_clock_that_jumps_back_makes_nothing_live_for_ever() -> None:
    site = Site([completion()])
    await site.fetch()
    await site.settle()
    site.clock.now -= 10_000
    assert (await site.fetch())[0] == "MISS"


@pytest.mark.parametrize("header", ["max-age=soon", "max-age", "s-maxage=-1", 'max-age="1.5"'])
async def test_an_age_that_is_none_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        await Site([completion()]).ask(Site([]).call(header=header))
    assert refused.value.param == "cache-control"


async def test_counting_tokens_is_none_of_the_cache_s_business() -> None:
    site = Site([b'{"input_tokens": 3}'])
    for _ in range(2):
        assert (await site.fetch(operation=Operation.COUNT, messages=[]))[0] == ""
    assert site.asked == 2


async def test_completions_and_embeddings_are_kept_too() -> None:
    choice = {"index": 0, "text": "a", "logprobs": None, "finish_reason": "stop"}
    site = Site([msgspec.json.encode({"id": "cmpl-1", "object": "text_completion", "choices": [choice]})])
    for label in ("MISS", "HIT"):
        assert (await site.fetch(operation=Operation.COMPLETION, prompt="x"))[0] == label
        await site.settle()
    _, replayed = await site.fetch(operation=Operation.COMPLETION, prompt="x", stream=True)
    assert [each["choices"][0]["text"] for each in replayed] == ["a", ""]
    assert replayed[0]["object"] == "text_completion"
    site = Site([b'{"object": "list", "data": [{"index": 0, "embedding": [0.5]}], "model": "m"}'])
    for label in ("MISS", "HIT"):
        found, answer = await site.fetch(operation=Operation.EMBEDDING, input="x")
        assert (found, answer["data"][0]["embedding"]) == (label, [0.5])
        await site.settle()


class Broken(MemoryStore):
    """A store that cannot be asked."""

    async def get(self, key: bytes) -> Entry | None:  # noqa: ARG002  # the port's
        raise CacheUnavailableError("down")

    async def put(self, key: bytes, entry: Entry) -> None:  # noqa: ARG002  # the port's
        raise CacheUnavailableError("down")


async def test_a_store_that_is_down_costs_hits_and_no_request() -> None:
    site = Site([completion()], store=Broken(1))
    for _ in range(2):
        assert (await site.fetch())[0] == "MISS"
        await site.settle()
    assert site.keeper.counts.errors == 4


async def test_a_hundred_equal_requests_ask_once() -> None:
    site = Site([completion()])
    gate = site.hold()
    asking = [asyncio.create_task(site.fetch(stream=number % 2 == 1)) for number in range(100)]
    await asyncio.sleep(0)
    gate.set()
    found = await asyncio.gather(*asking)
    assert site.asked == 1
    assert sorted(label for label, _ in found) == ["HIT"] * 99 + ["MISS"]
    assert {text_of(each) for _, each in found} == {"Hi"}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_leader_that_leaves_hands_over(stream: bool) -> None:  # noqa: FBT001  # a case
    site = Site(chunks("Hi") if stream else [completion()])
    gate = site.hold()
    leader, *followers = [asyncio.create_task(site.fetch(stream=stream)) for _ in range(4)]
    await asyncio.sleep(0)
    leader.cancel()
    await asyncio.wait([leader])
    await asyncio.sleep(0)
    gate.set()
    found = await asyncio.gather(*followers)
    assert sorted(label for label, _ in found) == ["HIT", "HIT", "MISS"]
    assert site.asked == 1


async def test_a_stream_s_leader_that_leaves_in_its_midst_hands_over() -> None:
    site = Site(chunks("a", "b"))
    reply = await site.ask(site.call(stream=True))
    assert isinstance(reply, Stream)
    followers = [asyncio.create_task(site.fetch(stream=True)) for _ in range(3)]
    await anext(aiter(reply.events))
    await reply.events.aclose()
    found = await asyncio.gather(*followers)
    assert sorted(label for label, _ in found) == ["HIT", "HIT", "MISS"]
    assert {text_of(each) for _, each in found} == {"ab"}
    assert site.asked == 2


async def test_followers_share_a_failure() -> None:
    site = Site([UpstreamTimeoutError("slow")])
    gate = site.hold()
    asking = [asyncio.create_task(site.fetch()) for _ in range(5)]
    await asyncio.sleep(0)
    gate.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(each) for each in found} == {UpstreamTimeoutError}
    assert len({id(each) for each in found}) == 5
    assert site.asked == 1


async def test_followers_ask_for_themselves_where_the_answer_is_not_to_be_shared() -> None:
    site = Site([completion(finish="length")])
    gate = site.hold()
    asking = [asyncio.create_task(site.fetch()) for _ in range(3)]
    await asyncio.sleep(0)
    gate.set()
    assert [label for label, _ in await asyncio.gather(*asking)] == ["MISS"] * 3
    assert site.asked == 3
