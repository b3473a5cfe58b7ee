"""OpenAI's own client, through the gateway, to vendors who do not speak as OpenAI does."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from forebay.app import application
from forebay.settings import DeploymentSettings, ModelSettings, Settings, section
from tests.support.dialects import Fields, normal
from tests.support.faulty import LAST_CHUNK, Script, chunk, upstream, whole
from tests.support.recordings import MINTED, RECORDINGS, Recording
from tests.support.serving import serving

MESSAGES: Any = [{"role": "user", "content": "What is the weather in Zürich, and what time is it?"}]
TOOLS: Any = [{"type": "function", "function": {"name": name}} for name in ("weather", "time")]

pytestmark = pytest.mark.parametrize("recording", RECORDINGS, ids=lambda each: each.name)


@contextlib.asynccontextmanager
async def gateway(recording: Recording, script: Script) -> AsyncIterator[openai.AsyncOpenAI]:
    async with upstream(script) as up:
        options = {"base_url": up.url.removesuffix("/v1"), **recording.options}
        settings = Settings(
            providers={"vendor": section(recording.kind, options)},
            models={"m": ModelSettings((DeploymentSettings(provider="vendor", model=recording.model),))},
        )
        async with (
            serving(application(settings)) as running,
            openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0) as client,
        ):
            yield client


def stream_of(recording: Recording) -> bytes:
    kind = recording.stream_type.encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b"\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(map(chunk, recording.events))


def expected_of(recording: Recording, answer_id: str) -> Fields:
    """What is expected of an answer; a vendor that gives no ids leaves them to Forebay."""
    found: Fields = json.loads(json.dumps(recording.expected).replace(MINTED, answer_id))
    return found


async def test_a_whole_answer(recording: Recording) -> None:
    async with gateway(recording, [whole(recording.whole)]) as client:
        answer = await client.chat.completions.create(model="m", messages=MESSAGES, tools=TOOLS)
    assert normal(answer.model_dump(exclude_unset=True)) == normal(expected_of(recording, answer.id))


async def test_a_stream_put_together_by_openai_s_client(recording: Recording) -> None:
    asked: Any = {"model": "m", "messages": MESSAGES, "tools": TOOLS, "stream_options": {"include_usage": True}}
    async with (
        gateway(recording, [stream_of(recording) + LAST_CHUNK]) as client,
        client.chat.completions.stream(**asked) as stream,
    ):
        answer = await stream.get_final_completion()
    found = answer.choices[0]
    expected = expected_of(recording, answer.id)["choices"][0]
    assert found.finish_reason == expected["finish_reason"]
    assert (found.message.content or None) == (expected["message"]["content"] or None)
    calls = [(call.id, call.function.name, call.function.arguments) for call in found.message.tool_calls or ()]
    assert calls == [
        (call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in expected["message"].get("tool_calls", ())
    ]
    assert answer.usage is not None
    assert answer.usage.completion_tokens == recording.expected["usage"]["completion_tokens"]


async def test_a_stream_that_breaks_is_an_error_to_the_client(recording: Recording) -> None:
    *before, _, _ = recording.events
    script = [stream_of(recording._replace(events=tuple(before))) + chunk(recording.busy) + LAST_CHUNK]
    async with gateway(recording, script) as client:
        stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        pieces = []

        async def read() -> None:
            async for piece in stream:
                pieces.append(piece)  # noqa: PERF401  # what came before the break counts

        with pytest.raises(openai.APIError):
            await read()
    assert pieces
    assert not any(choice.finish_reason for piece in pieces for choice in piece.choices)


async def test_an_overloaded_vendor_is_a_503(recording: Recording) -> None:
    status, body = recording.overloaded
    async with gateway(recording, [whole(body, status)]) as client:
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.create(model="m", messages=MESSAGES)
    assert caught.value.status_code == 503
