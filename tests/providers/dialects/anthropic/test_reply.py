"""Whatever Anthropic's document allows as a reply becomes an answer that OpenAI's document allows."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.types import Usage
from forebay.providers.dialects.anthropic.dialect import AnthropicDialect, AnthropicSettings
from forebay.providers.dialects.anthropic.reply import AnthropicReader
from forebay.providers.dialects.chunks import Chunks
from forebay.providers.dialects.dialect import VendorError
from forebay.providers.dialects.whole import Gatherer
from tests.support.dialects import call, completion, gathered, normal
from tests.support.recordings import ANTHROPIC
from tests.support.schemas import check

Fields = dict[str, Any]

texts = st.text(max_size=10)
tokens = st.integers(0, 1000)
ids = st.from_regex(r"\A[a-zA-Z0-9_-]{1,9}\Z")
inputs = st.dictionaries(texts, st.none() | texts | st.integers() | st.lists(st.booleans()), max_size=3)
caller = {"type": "direct"}


def block(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Fields]:
    return st.fixed_dictionaries({"type": st.just(kind), **fields})


blocks = st.one_of(
    block("text", text=texts, citations=st.none()),
    block("thinking", thinking=texts, signature=texts),
    block("redacted_thinking", data=texts),
    block("tool_use", id=ids, name=st.from_regex(r"\A[a-z]{1,5}\Z"), input=inputs, caller=st.just(caller)),
    block("tool_use", id=ids, name=st.just("answer_in_json"), input=inputs, caller=st.just(caller)),
    block(
        "server_tool_use", id=st.just("srvtoolu_1"), name=st.just("web_search"), input=inputs, caller=st.just(caller)
    ),
)
usages = st.fixed_dictionaries(
    {
        "input_tokens": tokens,
        "output_tokens": tokens,
        "cache_read_input_tokens": st.none() | tokens,
        "cache_creation_input_tokens": st.none() | tokens,
        "output_tokens_details": st.none() | st.fixed_dictionaries({"thinking_tokens": tokens}),
        "cache_creation": st.none(),
        "inference_geo": st.none(),
        "server_tool_use": st.none(),
        "service_tier": st.none() | st.just("priority"),
    }
)
messages = st.fixed_dictionaries(
    {
        "id": ids,
        "type": st.just("message"),
        "role": st.just("assistant"),
        "model": st.just("claude-x"),
        "content": st.lists(blocks, max_size=5),
        "stop_reason": st.sampled_from(
            ["end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"]
        ),
        "stop_sequence": st.none() | texts,
        "stop_details": st.none(),
        "container": st.none(),
        "usage": usages,
    }
)


def halves(text: str) -> list[str]:
    return [text[: len(text) // 2], text[len(text) // 2 :]]


def started(found: Fields) -> tuple[Fields, list[Fields]]:
    """A block as it begins, and what is added to it."""
    match found["type"]:
        case "text":
            return {**found, "text": ""}, [{"type": "text_delta", "text": half} for half in halves(found["text"])]
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": half} for half in halves(found["thinking"])]
            signature = {"type": "signature_delta", "signature": found["signature"]}
            return {**found, "thinking": "", "signature": ""}, [*deltas, signature]
        case "tool_use" | "server_tool_use":
            text = json.dumps(found["input"], separators=(",", ":"), ensure_ascii=False) if found["input"] else ""
            return {**found, "input": {}}, [{"type": "input_json_delta", "partial_json": half} for half in halves(text)]
    return found, []


def events_of(message: Fields) -> list[Fields]:
    """The stream in which Anthropic would have sent ``message``."""
    usage = message["usage"]
    events: list[Fields] = [
        {
            "type": "message_start",
            "message": {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}},
        }
    ]
    for index, found in enumerate(message["content"]):
        start, deltas = started(found)
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    names = ("output_tokens", "output_tokens_details", "server_tool_use")
    totals = {"input_tokens": None, "cache_read_input_tokens": None, "cache_creation_input_tokens": None}
    delta = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details", "container")}
    events.append(
        {"type": "message_delta", "delta": delta, "usage": {**totals, **{name: usage[name] for name in names}}}
    )
    return [*events, {"type": "message_stop"}]


def read_whole(message: Fields) -> Fields:
    dialect = AnthropicDialect(AnthropicSettings())
    answer = Gatherer("ours", "m", dialect.reasons)
    AnthropicReader().whole(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode(), answer)
    return completion(answer.body())


def read_stream(events: list[Fields]) -> Fields:
    dialect = AnthropicDialect(AnthropicSettings())
    chunks = Chunks("ours", "m", dialect.reasons, include_usage=True)
    reader = AnthropicReader()
    for event in events:
        reader.event(json.dumps(event).encode(), chunks)
    assert chunks.ended
    taken = chunks.take()
    assert taken is not None
    return gathered(taken.data)


@settings(max_examples=50)
@given(messages)
def test_whole_and_streamed_are_the_same_answer(message: Fields) -> None:
    check("Message", message, "anthropic")
    events = events_of(message)
    for event in events:
        check("MessageStreamEvent", event, "anthropic")
    assert normal(read_whole(message)) == normal(read_stream(events))


@settings(max_examples=50)
@given(messages)
def test_an_answer_can_be_sent_back(message: Fields) -> None:
    """What a client keeps of an answer and sends again becomes the blocks that Anthropic sent, signatures included."""
    found = read_whole(message)["choices"][0]["message"]
    body: Fields = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}, found, {"role": "user", "content": "Go on"}],
    }
    sent = json.loads(AnthropicDialect(AnthropicSettings(drop_params=True)).chat(call(**body), "claude").body)
    check("CreateMessageParams", sent, "anthropic")
    before = [each for each in message["content"] if "thinking" in each["type"] and each.get("signature", "x")]
    after = [each for turn in sent["messages"] for each in turn["content"] if "thinking" in each["type"]]
    assert after == before
    calls = [
        (each["id"], each["name"], each["input"])
        for each in message["content"]
        if each["type"] == "tool_use" and each["name"] != "answer_in_json"
    ]
    uses = [each for turn in sent["messages"] for each in turn["content"] if each["type"] == "tool_use"]
    assert [(each["id"], each["name"], each["input"]) for each in uses] == calls


def test_the_recording_is_the_vendor_s() -> None:
    check("Message", json.loads(ANTHROPIC.whole), "anthropic")
    for event in ANTHROPIC.events:
        check("MessageStreamEvent", json.loads(event.partition(b"data: ")[2]), "anthropic")
    check("ErrorResponse", json.loads(ANTHROPIC.overloaded[1]), "anthropic")


def plain(**changes: Any) -> Fields:
    return {**json.loads(ANTHROPIC.whole), "content": [{"type": "text", "text": "Hi", "citations": None}], **changes}


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("refusal", "content_filter"),
        ("brand_new", "stop"),
    ],
)
def test_why_an_answer_ended(reason: str, expected: str) -> None:
    message = plain(stop_reason=reason)
    assert read_whole(message)["choices"][0]["finish_reason"] == expected
    assert read_stream(events_of(message))["choices"][0]["finish_reason"] == expected


def test_unknown_reasons_are_counted() -> None:
    dialect = AnthropicDialect(AnthropicSettings())
    AnthropicReader().whole(json.dumps(plain(stop_reason="brand_new")).encode(), Gatherer("", "", dialect.reasons))
    assert dialect.reasons.unknown.total() == 1


def test_the_input_of_the_tool_for_a_form_is_the_answer() -> None:
    content = [{"type": "tool_use", "id": "t", "name": "answer_in_json", "input": {"a": 1}, "caller": caller}]
    message = plain(content=content, stop_reason="tool_use")
    for found in (read_whole(message), read_stream(events_of(message))):
        (choice,) = found["choices"]
        assert choice["message"]["content"] == '{"a":1}'
        assert choice["finish_reason"] == "stop"
        assert "tool_calls" not in choice["message"]


def test_an_empty_answer_is_one() -> None:
    message = plain(content=[])
    assert read_whole(message)["choices"][0]["message"]["content"] == ""
    assert read_stream(events_of(message))["choices"][0]["message"]["content"] == ""


def test_events_that_nobody_knows_are_passed_over() -> None:
    events = [{"type": "brand_new", "x": [1]}, *events_of(plain())]
    assert read_stream(events)["choices"][0]["message"]["content"] == "Hi"


@pytest.mark.parametrize(
    ("kind", "status"),
    [("rate_limit_error", 429), ("overloaded_error", 529), ("api_error", 500), ("brand_new_error", 500)],
)
def test_errors_that_come_with_status_200(kind: str, status: int) -> None:
    body = json.dumps({"type": "error", "error": {"type": kind, "message": "no"}}).encode()
    dialect = AnthropicDialect(AnthropicSettings())
    for read in (AnthropicReader().whole, AnthropicReader().event):
        with pytest.raises(VendorError) as caught:
            read(body, Gatherer("", "", dialect.reasons))
        assert (caught.value.status, caught.value.payload) == (status, body)


def test_what_goes_into_the_cache_for_an_hour_is_counted_apart() -> None:
    usage = {
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_read_input_tokens": 3,
        "cache_creation_input_tokens": 9,
        "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 5},
    }
    message = {"id": "x", "model": "m", "content": [], "stop_reason": "end_turn", "usage": usage}
    answer = Gatherer("ours", "m", AnthropicDialect(AnthropicSettings()).reasons)
    AnthropicReader().whole(json.dumps(message).encode(), answer)
    assert answer.usage == Usage(13, 2, 3, 9, 0, 5)
