"""Anthropic's own client, through a real socket and the whole pipeline."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anthropic
import pytest

from forebay.core.errors import ContextLengthError, ForebayError, RateLimitError, UnavailableError, UpstreamError
from forebay.core.types import Operation
from forebay.settings import AuthSettings, KeySettings, Secret, Settings
from tests.api.conftest import Serve
from tests.support.chunks import MESSAGE, chunk, pieces, whole
from tests.support.schemas import check
from tests.support.scripted import Piece
from tests.support.serving import Running

USER: Any = {"role": "user", "content": "Weather?"}
TOOL: Any = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
BODY = {"model": "m", "max_tokens": 9, "messages": [USER]}
COUNTED = b'{"object":"response.input_tokens","input_tokens":42}'


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def client(running: Running, **how: Any) -> anthropic.AsyncAnthropic:
    how = how or {"api_key": "none"}
    return anthropic.AsyncAnthropic(base_url=running.url, max_retries=0, **how)


async def test_a_message(serve: Serve) -> None:
    async with serve([whole({"content": "Hi"})]) as (running, provider), client(running) as sdk:
        message = await sdk.messages.create(model="m", max_tokens=9, messages=[USER])
        asked = provider.calls[0][0]
    assert [block.to_dict()["text"] for block in message.content] == ["Hi"]
    assert (message.usage.input_tokens, message.usage.output_tokens) == (3, 5)
    assert message._request_id == asked.id
    assert message.id == f"msg_{asked.id.removeprefix('req_')}"
    assert asked.request.operation is Operation.CHAT


async def test_a_stream(serve: Serve) -> None:
    async with (
        serve(list(pieces())) as (running, _),
        client(running) as sdk,
        sdk.messages.stream(model="m", max_tokens=9, messages=[USER], tools=[TOOL]) as stream,
    ):
        kinds = [event.type async for event in stream]
        message = await stream.get_final_message()
    assert {"thinking", "signature", "text", "input_json"} < set(kinds)
    assert [block.type for block in message.content] == [
        "thinking",
        "redacted_thinking",
        "text",
        "tool_use",
        "tool_use",
    ]
    assert message.stop_reason == "tool_use"
    assert message.usage.output_tokens == 5
    assert message.usage.cache_read_input_tokens == 4


async def test_a_tool_s_round_trip(serve: Serve) -> None:
    async with serve([whole(MESSAGE, "tool_calls")]) as (running, provider), client(running) as sdk:
        message = await sdk.messages.create(model="m", max_tokens=9, messages=[USER], tools=[TOOL])
        calls = [block for block in message.content if block.type == "tool_use"]
        assert [(block.name, block.input) for block in calls] == [("weather", {"city": "Paris"}), ("time", {})]
        results: Any = [{"type": "tool_result", "tool_use_id": block.id, "content": "18°"} for block in calls]
        turn: Any = {"role": "assistant", "content": [block.to_dict() for block in message.content]}
        turns = [USER, turn, {"role": "user", "content": results}]
        await sdk.messages.create(model="m", max_tokens=9, messages=turns, tools=[TOOL])
        again = json.loads(provider.calls[1][0].request.body)["messages"]
    assert again[1]["content"] == MESSAGE["content"]
    assert again[1]["thinking_blocks"] == MESSAGE["thinking_blocks"]
    called = [(each["id"], json.loads(each["function"]["arguments"])) for each in again[1]["tool_calls"]]
    assert called == [("call_a", {"city": "Paris"}), ("call_b", {})]
    assert [each["tool_call_id"] for each in again[2:]] == ["call_a", "call_b"]


async def test_tokens_are_counted_by_who_can(serve: Serve) -> None:
    async with serve([COUNTED]) as (running, provider), client(running) as sdk:
        counted = await sdk.messages.count_tokens(model="m", messages=[USER], tools=[TOOL], system="Be brief.")
        assert counted.input_tokens == 42
        assert provider.calls[0][0].request.operation is Operation.COUNT
        provider.operations = frozenset({Operation.CHAT})
        with pytest.raises(anthropic.BadRequestError, match="'m' does not answer"):
            await sdk.messages.count_tokens(model="m", messages=[USER])


async def test_keys_come_in_either_header(serve: Serve) -> None:
    settings = Settings(auth=AuthSettings((KeySettings(Secret("sk-1"), "alice"),)))
    async with serve([whole({"content": "Hi"})], settings) as (running, provider):
        for how in ({"api_key": "sk-1"}, {"auth_token": "sk-1"}):
            async with client(running, **how) as sdk:
                await sdk.messages.create(model="m", max_tokens=9, messages=[USER])
        assert [asked.principal.name for asked, _ in provider.calls] == ["alice", "alice"]
        async with client(running, api_key="sk-2") as sdk:
            with pytest.raises(anthropic.AuthenticationError):
                await sdk.messages.create(model="m", max_tokens=9, messages=[USER])


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (RateLimitError("Slow down.", headers={"retry-after": "7"}), 429, "rate_limit_error"),
        (ContextLengthError("prompt is too long"), 400, "invalid_request_error"),
        (UnavailableError("Nobody is there."), 529, "overloaded_error"),
        (UpstreamError("It broke."), 500, "api_error"),
    ],
)
async def test_errors_are_anthropic_s(
    serve: Serve, http: aiohttp.ClientSession, error: ForebayError, status: int, kind: str
) -> None:
    async with (
        serve([error]) as (running, _),
        http.post(f"{running.url}/v1/messages", json={**BODY, "stream": True}) as reply,
    ):
        told = await reply.json()
        assert reply.status == status
        assert reply.headers["request-id"] == reply.headers["x-request-id"] == told["request_id"]
        assert reply.headers.get("retry-after") == error.headers.get("retry-after")
    assert told["error"] == {"type": kind, "message": error.message}


@pytest.mark.parametrize(
    ("how", "status", "kind"),
    [
        ({"data": b"{"}, 400, "invalid_request_error"),
        ({"json": {**BODY, "model": "other"}}, 404, "not_found_error"),
        ({"json": BODY, "headers": {"host": "evil.example"}}, 403, "permission_error"),
        ({"data": b"{}", "headers": {"content-type": "text/plain"}}, 415, "invalid_request_error"),
        ({"json": {**BODY, "stream": False}}, 500, "api_error"),
    ],
)
async def test_also_those_of_the_gateway(
    serve: Serve, http: aiohttp.ClientSession, how: dict[str, Any], status: int, kind: str
) -> None:
    how.setdefault("headers", {"content-type": "application/json"})
    async with serve([]) as (running, _), http.post(f"{running.url}/v1/messages", **how) as reply:
        told = await reply.json()
        assert (reply.status, told["error"]["type"]) == (status, kind)
        if kind in {"invalid_request_error", "not_found_error", "permission_error", "api_error"}:
            check("ErrorResponse", told, "anthropic")
    async with serve([]) as (running, _), http.get(f"{running.url}/v1/messages") as reply:
        assert (reply.status, (await reply.json())["type"]) == (405, "error")


async def test_a_stream_that_breaks_is_an_error(serve: Serve, http: aiohttp.ClientSession) -> None:
    broken: list[Piece] = [chunk({"content": "Hi"}), UpstreamError("The upstream broke off.")]
    async with serve(broken) as (running, _):
        async with http.post(f"{running.url}/v1/messages", json={**BODY, "stream": True}) as reply:
            text = await reply.text()
        async with client(running) as sdk:
            stream = await sdk.messages.create(model="m", max_tokens=9, messages=[USER], stream=True)
            with pytest.raises(anthropic.APIStatusError, match="broke off"):
                _ = [event async for event in stream]
    assert "event: error" in text
    assert "message_stop" not in text
    assert "message_delta" not in text


async def test_an_answer_without_an_end_is_no_whole_one(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with (
        serve([chunk({"content": "Hi"})]) as (running, _),
        http.post(f"{running.url}/v1/messages", json={**BODY, "stream": True}) as reply,
    ):
        text = await reply.text()
    assert "event: error" in text
    assert "message_stop" not in text


async def test_a_client_that_leaves_closes_its_stream(serve: Serve, http: aiohttp.ClientSession) -> None:
    flood: list[Piece] = [chunk({"content": "Hi"})] * 100_000
    async with serve(flood) as (running, provider), client(running) as sdk:
        async with sdk.messages.stream(model="m", max_tokens=9, messages=[USER]) as stream:
            await anext(aiter(stream))
            assert provider.running == 1
        await running.until(lambda: provider.running == 0)
        async with asyncio.timeout(5), http.get(f"{running.url}/metrics") as reply:
            assert 'status="499",outcome="aborted",cache=""} 1' in await reply.text()
