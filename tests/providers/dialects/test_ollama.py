"""Ollama's dialect, both ways, against the types of its own document."""

import json
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta

from forebay.core.errors import InvalidRequestError, UnsupportedParameterError
from forebay.core.types import Call, Operation, Principal, Request, Trace, Usage
from forebay.providers.dialects.chunks import Chunks
from forebay.providers.dialects.ollama.dialect import OllamaDialect, OllamaSettings
from forebay.providers.dialects.ollama.reply import OllamaReader
from forebay.providers.dialects.whole import Gatherer
from tests.support import chats
from tests.support.chats import PIXEL
from tests.support.dialects import ask, call, completion, gathered, normal
from tests.support.faulty import whole
from tests.support.recordings import function
from tests.support.schemas import check

Fields = dict[str, Any]
USER = {"role": "user", "content": "Hi"}
TOOLS = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]


class Function(msgspec.Struct, forbid_unknown_fields=True):
    """``ToolCall.function``."""

    name: str
    arguments: Fields


class ToolCall(msgspec.Struct, forbid_unknown_fields=True):
    """``ToolCall``."""

    function: Function
    id: str


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """``ChatMessage``, and whose result a result is."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    images: list[str] = []
    tool_calls: list[ToolCall] = []
    tool_name: str = ""
    tool_call_id: str = ""


class Definition(msgspec.Struct, forbid_unknown_fields=True):
    """``ToolDefinition.function``."""

    name: str
    parameters: Fields
    description: str = ""


class Tool(msgspec.Struct, forbid_unknown_fields=True):
    """``ToolDefinition``."""

    type: Literal["function"]
    function: Definition


class Options(msgspec.Struct, forbid_unknown_fields=True):
    """``ModelOptions``, as far as they are used."""

    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 0
    temperature: float = 0
    top_k: int = 0
    top_p: float = 0
    frequency_penalty: float = 0
    presence_penalty: float = 0
    stop: list[Annotated[str, Meta(min_length=1)]] = []
    num_ctx: int = 0
    num_predict: int = 0


class ChatRequest(msgspec.Struct, forbid_unknown_fields=True):
    """``ChatRequest``."""

    model: str
    messages: list[Message]
    stream: bool
    tools: list[Tool] = []
    format: Literal["json"] | Fields = "json"
    options: Options = msgspec.field(default_factory=Options)
    think: bool | Literal["low", "medium", "high"] = False
    keep_alive: str = ""
    logprobs: bool = False
    top_logprobs: int = 0


def translate(body: Fields, **options: Any) -> Fields:
    dialect = OllamaDialect(OllamaSettings(**options))
    fields = {"messages": [USER], **{name: value for name, value in body.items() if name != "model"}}
    exchange = dialect.chat(call(**fields), "qwen3")
    msgspec.json.decode(exchange.body, type=ChatRequest)
    found: Fields = json.loads(exchange.body)
    return found


inline = chats.chats().filter(lambda body: not any(part in json.dumps(body) for part in ('"file"', "https://")))


@settings(max_examples=50)
@given(inline)
def test_every_chat_becomes_a_valid_request(body: Fields) -> None:
    translate(body, drop_params=True)


@settings(max_examples=50)
@given(inline)
def test_nothing_is_dropped_without_being_told(body: Fields) -> None:
    refused = None
    try:
        translate(body)
    except UnsupportedParameterError as error:
        refused = error
    assert refused is None or refused.param in body


def test_options() -> None:
    wanted = {"temperature": 0.5, "top_p": 0.9, "top_k": 3, "seed": -1, "frequency_penalty": 1, "stop": ["", "END"]}
    found = translate({**wanted, "max_tokens": 7}, context=8192, keep_alive="10m", max_tokens=100)
    assert found["options"] == {
        "frequency_penalty": 1,
        "temperature": 0.5,
        "top_k": 3,
        "top_p": 0.9,
        "num_predict": 7,
        "stop": ["END"],
        "seed": 2**31 - 1,
        "num_ctx": 8192,
    }
    assert found["keep_alive"] == "10m"
    assert translate({}, max_tokens=100)["options"] == {"num_predict": 100}


def test_images_stand_beside_the_text() -> None:
    url = {"url": f"data:image/png;base64,{PIXEL}"}
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": url}]
    (message,) = translate({"messages": [{"role": "user", "content": content}]})["messages"]
    assert message == {"role": "user", "content": "What is this?", "images": [PIXEL]}


def test_a_call_of_the_past_and_its_result() -> None:
    made = {"role": "assistant", "content": None, "tool_calls": [function("a", "f", '{"x": 1}')]}
    messages = [USER, made, {"role": "tool", "tool_call_id": "a", "content": "42"}]
    found = translate({"messages": messages})["messages"]
    assert found[1]["tool_calls"] == [{"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}]
    assert found[2] == {"role": "tool", "content": "42", "tool_call_id": "a", "tool_name": "f"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"response_format": {"type": "json_object"}}, {"format": "json"}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}},
            {"format": {"type": "object"}},
        ),
        ({"reasoning_effort": "none"}, {"think": False}),
        ({"reasoning_effort": "xhigh"}, {"think": "high"}),
        ({"tools": TOOLS, "tool_choice": "none"}, {}),
        ({"logprobs": True, "top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
    ],
)
def test_what_becomes_what(fields: Fields, expected: Fields) -> None:
    found = translate(fields)
    assert {name: found[name] for name in found if name not in {"model", "messages", "stream"}} == expected


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": TOOLS, "tool_choice": "required"}, "tool_choice"),
        ({"n": 2}, "n"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a"}}]}
                ]
            },
            "messages.content.image_url.url",
        ),
    ],
)
def test_what_is_refused(fields: Fields, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        translate(fields)
    assert caught.value.param == param


texts = st.text(max_size=10)
calls = st.fixed_dictionaries(
    {"function": st.fixed_dictionaries({"name": st.just("f"), "arguments": st.sampled_from([{}, {"a": [1, None]}])})}
)
replies = st.fixed_dictionaries(
    {"content": texts},
    optional={"thinking": texts, "tool_calls": st.lists(calls, max_size=2)},
)


@given(replies, st.sampled_from(["stop", "length"]), st.booleans())
def test_whole_and_streamed_are_the_same_answer(message: Fields, reason: str, counted: bool) -> None:  # noqa: FBT001
    counts = {"eval_count": 3} | ({"prompt_eval_count": 5} if counted else {})
    end = {"done": True, "done_reason": reason, **counts}
    reasons = OllamaDialect(OllamaSettings()).reasons
    gatherer = Gatherer("id", "m", reasons)
    OllamaReader().whole(json.dumps({"message": message, **end}).encode(), gatherer)
    chunks = Chunks("id", "m", reasons, include_usage=True)
    reader = OllamaReader()
    for name in ("thinking", "content", "tool_calls"):
        line = {"message": {"content": "", **({name: message[name]} if name in message else {})}, "done": False}
        reader.event(json.dumps(line).encode(), chunks)
    reader.event(json.dumps({"message": {"content": ""}, **end}).encode(), chunks)
    event = chunks.take()
    assert event is not None
    found = completion(gatherer.body())
    assert normal(gathered(event.data)) == normal(found)
    assert found["usage"]["prompt_tokens"] == (5 if counted else 0)


def test_log_probabilities() -> None:
    chosen = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": [{"token": "Ho", "logprob": -0.9}]}
    gatherer = Gatherer("id", "m", OllamaDialect(OllamaSettings()).reasons)
    reply = {"message": {"content": "Hi"}, "done": True, "logprobs": [chosen]}
    OllamaReader().whole(json.dumps(reply).encode(), gatherer)
    (found,) = completion(gatherer.body())["choices"][0]["logprobs"]["content"]
    assert (found["token"], found["top_logprobs"][0]["token"]) == ("Hi", "Ho")


@pytest.mark.parametrize("base_url", ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/api/"])
def test_any_of_its_addresses_will_do(base_url: str) -> None:
    assert OllamaSettings(base_url=base_url).base_url == "http://h:1"


async def test_embeddings() -> None:
    request = Request(Operation.EMBEDDING, "m", json.dumps({"model": "m", "input": ["a", "b"]}).encode())
    asked = Call("r", request, Principal("a"), Trace(0.0))
    reply = {"model": "x", "embeddings": [[0.5], [0.25]], "prompt_eval_count": 4}
    body, _, up = await ask("ollama", asked, [whole(json.dumps(reply).encode())], model="nomic")
    assert json.loads(up.requests[0].partition(b"\r\n\r\n")[2])["input"] == ["a", "b"]
    found = json.loads(body)
    check("CreateEmbeddingResponse", found)
    assert asked.trace.usage == Usage(4)
