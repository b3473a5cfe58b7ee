"""OpenAI's own client with its newer API, through a real socket and the whole pipeline."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pydantic
import pytest

from forebay.core.errors import RateLimitError, UpstreamError
from forebay.core.types import Operation
from tests.api.conftest import Serve
from tests.support.chunks import MESSAGE, chunk, pieces, whole
from tests.support.scripted import Piece
from tests.support.serving import Running

TOOL: Any = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}
BODY = {"model": "m", "input": "Hi"}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def client(running: Running) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0)


async def test_a_response(serve: Serve) -> None:
    async with serve([whole({"content": "Hi"})]) as (running, provider), client(running) as sdk:
        response = await sdk.responses.create(model="m", input="Hello", instructions="Be brief.")
        asked = provider.calls[0][0]
    assert response.output_text == "Hi"
    assert response.usage is not None
    assert response.usage.total_tokens == 14
    assert response._request_id == asked.id
    assert response.id == f"resp_{asked.id.removeprefix('req_')}"
    assert asked.request.operation is Operation.CHAT


async def test_a_stream(serve: Serve) -> None:
    async with (
        serve(list(pieces())) as (running, _),
        client(running) as sdk,
        sdk.responses.stream(model="m", input="Hello", tools=[TOOL]) as stream,
    ):
        kinds = [event.type async for event in stream]
        response = await stream.get_final_response()
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert response.output_text == "I look."
    assert [item.type for item in response.output] == [
        "reasoning",
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]


async def test_a_tool_s_round_trip(serve: Serve) -> None:
    async with serve([whole(MESSAGE, "tool_calls")]) as (running, provider), client(running) as sdk:
        include: Any = ["reasoning.encrypted_content"]
        response = await sdk.responses.create(model="m", input="Weather?", tools=[TOOL], include=include)
        items: list[Any] = [item.to_dict() for item in response.output]
        calls = [item for item in response.output if item.type == "function_call"]
        assert [(call.name, json.loads(call.arguments)) for call in calls] == [
            ("weather", {"city": "Paris"}),
            ("time", {}),
        ]
        outputs = [{"type": "function_call_output", "call_id": call.call_id, "output": "18°"} for call in calls]
        turns: Any = [{"role": "user", "content": "Weather?"}, *items, *outputs]
        await sdk.responses.create(model="m", input=turns, tools=[TOOL])
        again = json.loads(provider.calls[1][0].request.body)["messages"]
    assert again[1]["content"] == MESSAGE["content"]
    assert again[1]["thinking_blocks"] == MESSAGE["thinking_blocks"]
    assert [each["id"] for each in again[1]["tool_calls"]] == ["call_a", "call_b"]
    assert [each["tool_call_id"] for each in again[2:]] == ["call_a", "call_b"]


class Colour(pydantic.BaseModel):
    """What the answer is to look like."""

    name: str


async def test_a_form_is_parsed(serve: Serve) -> None:
    async with serve([whole({"content": '{"name": "blue"}'})]) as (running, provider), client(running) as sdk:
        response = await sdk.responses.parse(model="m", input="A colour?", text_format=Colour)
        sent = json.loads(provider.calls[0][0].request.body)["response_format"]
    assert response.output_parsed == Colour(name="blue")
    assert sent["json_schema"]["name"] == "Colour"


async def test_tokens_are_counted_by_who_can(serve: Serve) -> None:
    counted: list[Piece] = [b'{"object":"response.input_tokens","input_tokens":42}']
    async with serve(counted) as (running, provider), client(running) as sdk:
        found = await sdk.responses.input_tokens.count(model="m", input="Hi")
        assert (found.input_tokens, found.object) == (42, "response.input_tokens")
        provider.operations = frozenset({Operation.CHAT})
        with pytest.raises(openai.BadRequestError, match="'m' does not answer"):
            await sdk.responses.input_tokens.count(model="m", input="Hi")


async def test_errors_are_openai_s(serve: Serve) -> None:
    failing: list[Piece] = [RateLimitError("Slow down.", headers={"retry-after": "7"})]
    async with serve(failing) as (running, _), client(running) as sdk:
        with pytest.raises(openai.RateLimitError) as caught:
            await sdk.responses.create(model="m", input="Hi", stream=True)
        assert caught.value.response.headers["retry-after"] == "7"
        with pytest.raises(openai.BadRequestError) as refused:
            await sdk.responses.create(model="m", input="Hi", previous_response_id="resp_1")
    assert (refused.value.param, refused.value.code) == ("previous_response_id", "unsupported_parameter")


async def test_a_stream_that_breaks_has_failed(serve: Serve, http: aiohttp.ClientSession) -> None:
    broken: list[Piece] = [chunk({"content": "Hi"}), UpstreamError("The upstream broke off.")]
    async with (
        serve(broken) as (running, _),
        http.post(f"{running.url}/v1/responses", json={**BODY, "stream": True}) as reply,
    ):
        text = await reply.text()
    assert "event: response.failed" in text
    assert "broke off" in text
    assert "response.completed" not in text


async def test_a_client_that_leaves_closes_its_stream(serve: Serve, http: aiohttp.ClientSession) -> None:
    flood: list[Piece] = [chunk({"content": "Hi"})] * 100_000
    async with serve(flood) as (running, provider), client(running) as sdk:
        stream = await sdk.responses.create(model="m", input="Hi", stream=True)
        await anext(aiter(stream))
        assert provider.running == 1
        await stream.close()
        await running.until(lambda: provider.running == 0)
        async with asyncio.timeout(5), http.get(f"{running.url}/metrics") as reply:
            assert 'status="499",outcome="aborted",cache=""} 1' in await reply.text()
