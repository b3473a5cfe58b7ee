"""The kind ``litellm`` with the real library, against upstreams on real sockets: ``make test-litellm``."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import msgspec
import pytest

from forebay.core.errors import (
    ContextLengthError,
    ForebayError,
    InvalidRequestError,
    ModelNotFoundError,
    RateLimitError,
    UnavailableError,
    UnsupportedParameterError,
    UpstreamError,
    UpstreamTimeoutError,
)
from forebay.core.stream import DONE, payloads
from forebay.core.types import Call, Deployment, Operation, Principal, Request, Stream, TimeOuts, Trace, Usage, Whole
from forebay.providers.litellm.library import Library
from forebay.providers.litellm.provider import LiteLLMProvider
from forebay.providers.litellm.settings import LiteLLMSettings
from forebay.settings import Secret
from tests.support.schemas import check
from tests.support.upstream import Asked, Peer, Upstream, chunked, reply, upstream

pytestmark = [
    pytest.mark.litellm,
    pytest.mark.asyncio(loop_scope="module"),  # LiteLLM has one loop for a process, too
    pytest.mark.needs("litellm"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # LiteLLM's own
    # Some of its connections are left to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

TIMEOUTS = TimeOuts(first_token=5, between_tokens=5, total=10)
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
SECRET = "sk-very-secret"
QUESTION = [{"role": "user", "content": "Hi"}]


def completion(message: dict[str, Any] | None = None, finish: str = "stop", **more: Any) -> bytes:
    message = {"role": "assistant", "content": "Hello", **(message or {})}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **more}
    return reply(json.dumps(body).encode(), b"content-type: application/json")


def event(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    body = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


HEL, LO, STOP = event({"role": "assistant", "content": "Hel"}), event({"content": "lo"}), event({}, "stop")
COUNTED = event(None, usage=USAGE)


def call(operation: Operation = Operation.CHAT, *, stream: bool = False, usage: bool = False, **fields: Any) -> Call:
    body = {"model": "m", "stream": stream, **({"messages": QUESTION} if operation is Operation.CHAT else {}), **fields}
    request = Request(operation, "m", json.dumps(body).encode(), stream, usage)
    return Call("req_1", request, Principal("a"), Trace(0.0))


@asynccontextmanager
async def provider(base: str, **options: Any) -> AsyncIterator[LiteLLMProvider]:
    settings = {"provider": "hosted_vllm", "api_base": base, **options}
    read = msgspec.structs.replace(msgspec.convert(settings, LiteLLMSettings), api_key=Secret(SECRET))
    made = LiteLLMProvider("lite", read, Library())
    await made.start()
    try:
        yield made
    finally:
        await made.close()


async def ask(asked: Call, answer: Any, *, timeouts: TimeOuts = TIMEOUTS, **options: Any) -> tuple[bytes, Upstream]:
    """The whole reply as a client gets it."""
    async with upstream(answer) as up, provider(up.url, **options) as made:
        return await answered(made, asked, timeouts), up


async def answered(made: LiteLLMProvider, asked: Call, timeouts: TimeOuts) -> bytes:
    found = await made.answer(asked, Deployment("lite/m", "lite", "m", timeouts))
    return found.body if isinstance(found, Whole) else await read(found)


async def read(stream: Stream) -> bytes:
    got: list[bytes] = []
    await gather(stream, got)
    return b"".join(got)


async def gather(stream: Stream, got: list[bytes]) -> None:
    async with aclosing(stream.events) as events:
        async for each in events:
            got.append(each.data)  # noqa: PERF401  # what came before a failure counts


def text(stream: bytes) -> str:
    chunks = [json.loads(each) for each in payloads(stream) if each != b"[DONE]"]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


@pytest.mark.parametrize("name", ["hosted_vllm", "mistral", "openai", "deepseek"])
async def test_a_whole_chat(name: str) -> None:
    asked = call()
    body, up = await ask(asked, completion(usage=USAGE), provider=name)
    check("CreateChatCompletionResponse", json.loads(body))
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hello"
    assert asked.trace.usage == Usage(7, 3)
    assert json.loads(up.asked[0].body)["model"] == "m"


@pytest.mark.parametrize("name", ["hosted_vllm", "mistral", "groq", "openai"])
@pytest.mark.parametrize("usage", [True, False])
async def test_a_streamed_chat(name: str, usage: bool) -> None:  # noqa: FBT001  # a case of the test
    asked = call(stream=True, usage=usage)
    body, _ = await ask(asked, chunked(HEL, LO, STOP, COUNTED, DONE), provider=name)
    chunks = [json.loads(each) for each in payloads(body) if each != b"[DONE]"]
    for each in chunks:
        check("CreateChatCompletionStreamResponse", each)
    assert text(body) == "Hello"
    assert body.endswith(DONE)
    assert [choice["finish_reason"] for each in chunks for choice in each["choices"]][-1] == "stop"
    assert asked.trace.usage == Usage(7, 3)
    assert bool(chunks[-1].get("usage")) is usage


async def test_tools_are_called_in_a_stream() -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    first = {"index": 0, "id": "call_a", "type": "function", "function": {"name": "weather", "arguments": ""}}
    rest = {"index": 0, "function": {"arguments": '{"city": "Paris"}'}}
    pieces = [event({"role": "assistant", "tool_calls": [first]}), event({"tool_calls": [rest]})]
    asked = call(stream=True, tools=[tool], tool_choice="auto")
    body, up = await ask(asked, chunked(*pieces, event({}, "stop"), COUNTED, DONE))
    chunks = [json.loads(each) for each in payloads(body) if each != b"[DONE]"]
    calls = [each for chunk in chunks for choice in chunk["choices"] for each in choice["delta"].get("tool_calls", ())]
    assert "".join(each["function"].get("arguments", "") for each in calls) == '{"city": "Paris"}'
    assert [each["id"] for each in calls if "id" in each] == ["call_a"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert json.loads(up.asked[0].body)["tools"] == [tool]


async def test_tools_are_called_in_a_whole_reply() -> None:
    calls = [{"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]
    body, _ = await ask(call(), completion({"content": None, "tool_calls": calls}, "tool_calls", usage=USAGE))
    (choice,) = json.loads(body)["choices"]
    check("CreateChatCompletionResponse", json.loads(body))
    assert (choice["finish_reason"], choice["message"]["tool_calls"]) == ("tool_calls", calls)


async def test_a_completion() -> None:
    choice = {"index": 0, "text": "Hello", "finish_reason": "stop", "logprobs": None}
    body = {"id": "x", "object": "text_completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}
    asked = call(Operation.COMPLETION, prompt="Hi", max_tokens=3)
    told, up = await ask(asked, reply(json.dumps(body).encode()), provider="text-completion-openai")
    check("CreateCompletionResponse", json.loads(told))
    assert json.loads(told)["choices"][0]["text"] == "Hello"
    assert asked.trace.usage == Usage(7, 3)
    assert json.loads(up.asked[0].body)["prompt"] == "Hi"


async def test_a_completion_is_not_streamed_because_its_end_could_not_be_trusted() -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        await ask(call(Operation.COMPLETION, stream=True, prompt="Hi"), b"")
    assert caught.value.param == "stream"


async def test_embeddings() -> None:
    vectors = [{"object": "embedding", "index": 0, "embedding": [0.5, -1.0]}]
    counted = {"prompt_tokens": 2, "total_tokens": 2}
    answer = reply(json.dumps({"object": "list", "data": vectors, "model": "m", "usage": counted}).encode())
    asked = call(Operation.EMBEDDING, input=["Hi"])
    body, up = await ask(asked, answer)
    assert json.loads(body)["data"] == vectors
    assert asked.trace.usage == Usage(2, 0)
    assert json.loads(up.asked[0].body)["input"] == ["Hi"]


async def test_litellm_keeps_quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    await ask(call(), completion(usage=USAGE))
    with pytest.raises(UpstreamError):
        await ask(call(), reply(b"{}", status=b"500 No"))
    assert not [each for each in caplog.records if each.name.startswith("LiteLLM")]
    assert capfd.readouterr() == ("", "")


async def test_usage_that_nobody_told_stays_unknown() -> None:
    for answer, stream in ((completion(), False), (chunked(HEL, LO, STOP, DONE), True)):
        asked = call(stream=stream, usage=True)
        body, _ = await ask(asked, answer)
        assert asked.trace.usage is None
        assert b"completion_tokens" not in body


@pytest.mark.parametrize("end", [True, False])
async def test_half_an_answer_is_none(end: bool) -> None:  # noqa: FBT001  # a case of the test
    asked = call(stream=True)
    async with upstream(chunked(HEL, LO, end=end)) as up, provider(up.url) as made:

        async def cut(_asked: Asked, peer: Peer) -> None:
            await peer.send(chunked(HEL, LO, end=end))
            peer.writer.close()

        up.answer = cut
        stream = await made.answer(asked, Deployment("lite/m", "lite", "m", TIMEOUTS))
        assert isinstance(stream, Stream)
        got: list[bytes] = []
        with pytest.raises(UpstreamError):
            await gather(stream, got)
    body = b"".join(got)
    assert text(body) == "Hello"
    assert b"[DONE]" not in body
    assert b'"stop"' not in body


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("status", "message", "wanted"),
    [
        (b"400 Bad", "temperature is too high", InvalidRequestError),
        (b"400 Bad", "This model's maximum context length is 10 tokens.", ContextLengthError),
        (b"401 No", "bad key " + SECRET, UpstreamError),
        (b"403 No", "not yours", UpstreamError),
        (b"404 No", "The model `m` does not exist", ModelNotFoundError),
        (b"422 No", "no", InvalidRequestError),
        (b"429 Slow", "slow down", RateLimitError),
        (b"500 No", "broken " + SECRET, UpstreamError),
        (b"503 No", "overloaded", UnavailableError),
    ],
)
async def test_what_goes_wrong_keeps_its_meaning(
    status: bytes,
    message: str,
    wanted: type[ForebayError],
    stream: bool,  # noqa: FBT001  # a case of the test
) -> None:
    body = json.dumps({"error": {"message": message, "type": "x", "param": None, "code": None}}).encode()
    with pytest.raises(ForebayError) as caught:
        await ask(call(stream=stream), reply(body, b"retry-after: 7", status=status))
    assert type(caught.value) is wanted
    assert SECRET not in caught.value.message
    assert "litellm" not in caught.value.message.lower()
    if wanted is RateLimitError:
        assert caught.value.headers["retry-after"] == "7"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "answer",
    [reply(b"<html>", b"content-type: text/html"), reply(b"{}"), chunked(), chunked(DONE), chunked(b"data: {\n\n")],
)
async def test_what_is_no_answer(answer: bytes, stream: bool) -> None:  # noqa: FBT001  # a case of the test
    with pytest.raises(UpstreamError):
        await ask(call(stream=stream), answer)


async def test_after_the_last_one_has_closed_another_can_ask() -> None:
    library = Library()
    async with upstream(completion(usage=USAGE)) as up:
        for _ in range(2):
            settings = LiteLLMSettings("openai", Secret(SECRET), api_base=up.url)
            made = LiteLLMProvider("lite", settings, library)
            await made.start()
            assert await answered(made, call(), TIMEOUTS)
            await made.close()


async def test_nobody_there() -> None:
    async with provider("http://127.0.0.1:9/v1") as made:
        with pytest.raises(UpstreamError):
            await made.answer(call(), Deployment("lite/m", "lite", "m", TIMEOUTS))


async def test_a_provider_that_litellm_does_not_know() -> None:
    with pytest.raises(UpstreamError):
        await ask(call(), completion(), provider="nobody")


async def _silent(_asked: Asked, peer: Peer) -> None:
    await peer.until_left()


async def _stalling(_asked: Asked, peer: Peer) -> None:
    await peer.send(chunked(HEL, LO, end=False))
    await peer.until_left()


@pytest.mark.parametrize(
    ("timeouts", "stream", "answer", "which"),
    [
        (TimeOuts(total=0.3), False, _silent, "total"),
        (TimeOuts(first_token=0.3), True, _silent, "first_token"),
        (TimeOuts(between_tokens=0.3), True, _stalling, "between_tokens"),
    ],
)
async def test_time_outs(timeouts: TimeOuts, stream: bool, answer: Any, which: str) -> None:  # noqa: FBT001
    async with upstream(answer) as up, provider(up.url) as made:
        with pytest.raises(UpstreamTimeoutError, match=which):
            await answered(made, call(stream=stream), timeouts)
        await asyncio.wait_for(up.left.wait(), 5)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_ends_the_call(stream: bool) -> None:  # noqa: FBT001  # a case of the test
    async with upstream(_silent) as up, provider(up.url) as made:
        asking = asyncio.create_task(made.answer(call(stream=stream), Deployment("lite/m", "lite", "m", TIMEOUTS)))
        async with asyncio.timeout(5):
            while not up.asked:  # noqa: ASYNC110  # what is waited for has no event
                await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(up.left.wait(), 5)


async def test_a_client_that_leaves_a_stream_ends_it() -> None:
    async with upstream(_stalling) as up, provider(up.url) as made:
        found = await made.answer(call(stream=True), Deployment("lite/m", "lite", "m", TIMEOUTS))
        assert isinstance(found, Stream)
        await anext(found.events)
        await found.events.aclose()
        await asyncio.wait_for(up.left.wait(), 5)


@pytest.mark.parametrize(
    "fields",
    [
        {"api_base": "http://127.0.0.1:9"},
        {"base_url": "http://127.0.0.1:9"},
        {"api_key": "sk-other"},
        {"custom_llm_provider": "openai"},
        {"mock_response": "made up"},
        {"fallbacks": ["openai/gpt-4o"]},
        {"model_list": []},
        {"extra_headers": {"x": "y"}},
        {"extra_body": {"x": "y"}},
        {"timeout": 0.001},
        {"num_retries": 9},
        {"user_continue_message": {}},
        {"guardrails": ["x"]},
    ],
)
async def test_a_client_cannot_reach_what_is_litellms(fields: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedParameterError):
        await ask(call(**fields), completion(usage=USAGE))
    body, up = await ask(call(**fields), completion(usage=USAGE), drop_params=True)
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hello"
    (asked,) = up.asked
    assert json.loads(asked.body) == {"model": "m", "messages": QUESTION}
    assert asked.headers["authorization"] == f"Bearer {SECRET}"


async def test_params_of_the_configuration_hold_where_a_request_says_nothing() -> None:
    options: dict[str, Any] = {"params": {"temperature": 0.5, "top_p": 0.1}, "headers": {"x-team": "red"}}
    _, up = await ask(call(temperature=1), completion(usage=USAGE), **options)
    sent = json.loads(up.asked[0].body)
    assert (sent["temperature"], sent["top_p"]) == (1, 0.1)
    assert up.asked[0].headers["x-team"] == "red"
    assert up.asked[0].headers["authorization"] == f"Bearer {SECRET}"


async def test_a_parameter_that_the_provider_does_not_know_is_named() -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        await ask(call(logit_bias={"1": 2}), completion(usage=USAGE), provider="mistral")
    assert caught.value.param == "logit_bias"
