"""Guards through the real server: every dialect, and the endpoints that ask guards alone."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anthropic
import openai
import pytest

from forebay.settings import Settings
from tests.api.conftest import Serve
from tests.support.chunks import chunk, pieces, whole
from tests.support.guards import guarded
from tests.support.serving import Running

SECRETS = "guards:\n  secrets: {kind: Words, words: [secret], action: block, on_fail: FAIL}"
NAMES = "guards:\n  names: {kind: Words, words: [Ann], kind_: name, on: [input, tool_results]}".replace(
    ", kind_: name", ""
)
MESSAGES: Any = [{"role": "user", "content": "my secret"}]
ANSWER = pieces({"content": "it is a secret word, and some more of it"}, "stop")


def rules(on_fail: str, on: str = "input, output, tool_args") -> Settings:
    return guarded(SECRETS.replace("FAIL", f"{on_fail}, on: [{on}]"))


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def sdk(running: Running) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0)


def claude(running: Running) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=running.url, api_key="none", max_retries=0)


async def drain(stream: Any, told: list[Any]) -> None:
    async for each in stream:
        told.append(each.choices[0])  # noqa: PERF401  # what came before the error is wanted


async def test_a_chat_is_refused_in_openai_s_form(serve: Serve) -> None:
    async with serve([b"{}"], rules("exception")) as (running, provider), sdk(running) as client:
        with pytest.raises(openai.BadRequestError) as caught:
            await client.chat.completions.create(model="m", messages=MESSAGES)
        assert not provider.calls
    assert (caught.value.code, caught.value.param) == ("content_filter", "messages[0].content")


async def test_messages_are_guarded(serve: Serve) -> None:
    async with serve([b"{}"], rules("exception")) as (running, provider), claude(running) as client:
        with pytest.raises(anthropic.BadRequestError):
            await client.messages.create(model="m", max_tokens=9, messages=MESSAGES)
        with pytest.raises(anthropic.BadRequestError):
            await client.messages.count_tokens(model="m", messages=MESSAGES)
        assert not provider.calls


async def test_responses_are_guarded(serve: Serve) -> None:
    async with serve([b"{}"], rules("exception")) as (running, provider), sdk(running) as client:
        with pytest.raises(openai.BadRequestError):
            await client.responses.create(model="m", input="my secret")
        with pytest.raises(openai.BadRequestError):
            await client.responses.create(model="m", input="Hi", instructions="a secret")
        assert not provider.calls


async def test_embeddings_and_completions_are_guarded(serve: Serve) -> None:
    async with serve([b"{}"], rules("exception")) as (running, provider), sdk(running) as client:
        with pytest.raises(openai.BadRequestError):
            await client.embeddings.create(model="m", input=["fine", "a secret"])
        with pytest.raises(openai.BadRequestError):
            await client.completions.create(model="m", prompt="a secret")
        assert not provider.calls


async def test_a_stream_of_messages_is_masked(serve: Serve) -> None:
    async with (
        serve(ANSWER, rules("fix", "output")) as (running, _),
        claude(running) as client,
        client.messages.stream(model="m", max_tokens=9, messages=MESSAGES) as stream,
    ):
        message = await stream.get_final_message()
    assert [block.to_dict()["text"] for block in message.content] == ["it is a [WORD] word, and some more of it"]


async def test_a_stream_of_responses_is_masked(serve: Serve) -> None:
    async with (
        serve(ANSWER, rules("fix", "output")) as (running, _),
        sdk(running) as client,
        client.responses.stream(model="m", input="Hi") as stream,
    ):
        response = await stream.get_final_response()
    assert response.output_text == "it is a [WORD] word, and some more of it"


async def test_a_refused_stream_ends_with_an_error(serve: Serve) -> None:
    script = [chunk({"role": "assistant", "content": "harmless words, but "}), *ANSWER]
    async with serve(script, rules("exception", "output")) as (running, _), sdk(running) as client:
        stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        told: list[Any] = []
        with pytest.raises(openai.APIError) as caught:
            await drain(stream, told)
    assert caught.value.code == "content_filter"
    assert told[-1].finish_reason == "content_filter"
    assert "harmless words, but it is a ".startswith("".join(each.delta.content or "" for each in told))


async def test_names_go_out_and_come_back(serve: Serve) -> None:
    async with serve([whole({"content": "Hello"})], guarded(NAMES)) as (running, provider), claude(running) as client:
        await client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "I am Ann"}])
        assert b"Ann" not in provider.calls[0][0].request.body


async def test_figures_tell_of_guards(serve: Serve, http: aiohttp.ClientSession) -> None:
    body = {"model": "m", "messages": MESSAGES}
    async with serve([b"{}"], rules("exception")) as (running, _):
        await http.post(f"{running.url}/v1/chat/completions", json=body)
        text = await (await http.get(f"{running.url}/metrics")).text()
    expected = 'forebay_guard_verdicts_total{guard="secrets",side="input",action="block",outcome="refused"} 1'
    assert expected in text
    assert 'forebay_guard_seconds_count{guard="secrets"} 1' in text


async def test_a_text_is_tried(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with serve([b"{}"], rules("exception")) as (running, _):
        reply = await http.post(f"{running.url}/v1/guards/check", json={"text": "my secret"})
        told = await reply.json()
        fine = await (await http.post(f"{running.url}/v1/guards/check", json={"text": "Hi"})).json()
        unknown = await http.post(f"{running.url}/v1/guards/check", json={"text": "Hi", "guards": ["x"]})
    assert (told["passed"], told["text"], told["outcome"]) == (False, None, "refused")
    (verdict,) = told["verdicts"]
    assert (verdict["guard"], verdict["action"]) == ("secrets", "block")
    assert verdict["spans"] == [{"start": 3, "end": 9, "kind": "word"}]
    assert (fine["passed"], fine["text"]) == (True, "Hi")
    assert unknown.status == 404


async def test_there_is_nothing_to_try_without_guards(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with serve([b"{}"]) as (running, _):
        assert (await http.post(f"{running.url}/v1/guards/check", json={"text": "Hi"})).status == 404


async def test_guardrails_clients_validate(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with serve([b"{}"], rules("fix")) as (running, _):
        listed = await (await http.get(f"{running.url}/guards?name=secrets")).json()
        reply = await http.post(f"{running.url}/guards/secrets/validate", json={"llm_output": "my secret"})
        outcome = await reply.json()
        history = await (await http.get(f"{running.url}/guards/secrets/history/1")).json()
    assert [each["id"] for each in listed] == ["secrets"]
    assert outcome["validationPassed"] is True
    assert outcome["validatedOutput"] == "my [WORD]"
    assert outcome["validationSummaries"][0]["errorSpans"] == [{"start": 3, "end": 9, "reason": "word"}]
    assert history == []


@pytest.mark.parametrize(("on_fail", "status"), [("exception", 400), ("refrain", 200), ("noop", 200)])
async def test_guardrails_clients_hear_of_failures(
    serve: Serve, http: aiohttp.ClientSession, on_fail: str, status: int
) -> None:
    async with serve([b"{}"], rules(on_fail)) as (running, _):
        reply = await http.post(f"{running.url}/guards/secrets/validate", json={"llmOutput": "my secret"})
        told = await reply.json()
    assert reply.status == status
    assert status == 400 or told["validationPassed"] is False


async def test_moderations_are_guards(serve: Serve) -> None:
    settings = guarded(SECRETS.replace("FAIL", "noop") + "\nmoderations: {violence: [secrets]}")
    async with serve([b"{}"], settings) as (running, _), sdk(running) as client:
        told = await client.moderations.create(input=["my secret", "Hi"])
        part: Any = {"type": "text", "text": "my secret"}
        both = await client.moderations.create(input=[part])
    assert [each.flagged for each in told.results] == [True, False]
    assert told.results[0].categories.violence
    assert told.results[0].category_scores.violence == 1.0
    assert not told.results[0].categories.hate
    assert both.results[0].flagged


async def test_an_unpaired_surrogate_is_refused(serve: Serve, http: aiohttp.ClientSession) -> None:
    body = b'{"model": "m", "messages": [{"role": "user", "content": "\\ud800"}]}'
    headers = {"content-type": "application/json"}
    async with serve([b"{}"], rules("fix")) as (running, provider):
        reply = await http.post(f"{running.url}/v1/chat/completions", data=body, headers=headers)
        assert reply.status == 400
        assert json.loads(await reply.text())["error"]["type"] == "invalid_request_error"
        assert not provider.calls
