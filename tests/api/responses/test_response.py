"""Answers as OpenAI's responses, whole and in events: valid, in order, and the same."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.api.responses.events import ResponseEvents
from forebay.api.responses.exchange import Responses
from forebay.api.responses.items import SignedBlock, sealed
from forebay.core.errors import InvalidRequestError, RateLimitError, UnavailableError, UpstreamError
from forebay.core.stream import DONE, payloads
from forebay.core.types import Usage
from tests.support.chunks import MESSAGE, chunk, pieces, whole
from tests.support.responses_requests import requests
from tests.support.schemas import check
from tests.support.scripted import call

Fields = dict[str, Any]


def asked(**fields: Any) -> Responses:
    return Responses.read(json.dumps({"model": "m", "input": "Hi", **fields}).encode())


def events_of(stream: list[bytes], exchange: Responses | None = None) -> list[Fields]:
    """What becomes of a stream, each event checked against its name, its number and the vendor's document."""
    writer = (exchange or asked()).stream(call(stream=True))
    return checked(b"".join(map(writer.feed, stream)) + writer.end())


def checked(data: bytes) -> list[Fields]:
    found: list[Fields] = [json.loads(payload) for payload in payloads(data)]
    names = [line[7:].decode() for line in data.split(b"\n") if line.startswith(b"event: ")]
    assert names == [event["type"] for event in found]
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    for event in found:
        check("ResponseStreamEvent", event)
    return found


def response_of(body: bytes, exchange: Responses | None = None) -> Fields:
    found: Fields = json.loads((exchange or asked()).whole(call(), body))
    check("Response", found)
    return found


def timeless(response: Fields) -> Fields:
    return response | {"created_at": 0, "completed_at": 0, "forebay": None}


def test_a_whole_response() -> None:
    found = response_of(whole(MESSAGE, "tool_calls"))
    assert (found["id"], found["object"], found["model"], found["status"]) == ("resp_1", "response", "m", "completed")
    assert found["store"] is False
    assert found["usage"] == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 14,
    }
    reasoning, redacted, message, weather, time = found["output"]
    assert reasoning == {
        "id": "rs_1_0",
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm."}],
        "status": "completed",
    }
    assert redacted["content"] == []
    assert message["content"] == [{"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []}]
    assert weather == {
        "id": "fc_1_3",
        "type": "function_call",
        "call_id": "call_a",
        "name": "weather",
        "arguments": '{"city": "Paris"}',
        "status": "completed",
    }
    assert time["arguments"] == "{}"


def test_a_streamed_response_is_the_same_and_comes_in_order() -> None:
    events = events_of(pieces())
    kinds = [event["type"].removeprefix("response.") for event in events if not event["type"].endswith(".delta")]
    content = ["output_item.added", "content_part.added", "X.done", "content_part.done", "output_item.done"]
    tool = ["output_item.added", "function_call_arguments.done", "output_item.done"]
    assert kinds == [
        "created",
        "in_progress",
        *(kind.replace("X", "reasoning_text") for kind in content),
        "output_item.added",
        "output_item.done",
        *(kind.replace("X", "output_text") for kind in content),
        *tool,
        *tool,
        "completed",
    ]
    response = events[-1]["response"]
    assert timeless(response) == timeless(response_of(whole(MESSAGE, "tool_calls")))
    assert [event["item"] for event in events if event["type"] == "response.output_item.done"] == response["output"]
    for index, item in enumerate(response["output"]):
        pieces_of = [event["delta"] for event in events if event.get("output_index") == index and "delta" in event]
        text = item.get("arguments") or "".join(part["text"] for part in item.get("content", ()))
        assert "".join(pieces_of) == text


@given(st.integers(1, 12), st.integers(1, 7))
def test_events_may_come_in_pieces_of_any_number(first: int, then: int) -> None:
    stream = pieces()
    batches = [b"".join(stream[:first])]
    batches += [b"".join(stream[start : start + then]) for start in range(first, len(stream), then)]
    assert timeless(events_of(batches)[-1]["response"]) == timeless(events_of(stream)[-1]["response"])


@pytest.mark.parametrize(
    ("said", "finish", "status", "reason", "item"),
    [
        ({"content": "Hi"}, "stop", "completed", None, "completed"),
        ({"content": "Hi"}, "length", "incomplete", "max_output_tokens", "incomplete"),
        ({"content": "Hi"}, "content_filter", "incomplete", "content_filter", "incomplete"),
        ({"content": None, "refusal": "No."}, "stop", "completed", None, "completed"),
        ({"content": None}, "length", "incomplete", "max_output_tokens", None),
        (MESSAGE, "length", "incomplete", "max_output_tokens", "incomplete"),
    ],
)
def test_how_it_ended(said: Fields, finish: str, status: str, reason: str | None, item: str | None) -> None:
    found = response_of(whole(said, finish))
    assert (found["status"], (found["incomplete_details"] or {}).get("reason")) == (status, reason)
    assert (found["output"][-1]["status"] if found["output"] else None) == item
    assert all(each["status"] == "completed" for each in found["output"][:-1])
    last = events_of(pieces(said, finish))[-1]
    assert last["type"] == f"response.{status}"
    assert timeless(last["response"]) == timeless(found)


def test_a_refusal_is_one() -> None:
    (item,) = response_of(whole({"content": None, "refusal": "No."}))["output"]
    assert item["content"] == [{"type": "refusal", "refusal": "No."}]


def test_reasoning_can_be_sent_back_where_that_is_asked_for() -> None:
    exchange = asked(include=["reasoning.encrypted_content"])
    found = response_of(whole(MESSAGE, "tool_calls"), exchange)
    assert [item.get("encrypted_content") for item in found["output"][:3]] == [
        sealed([SignedBlock("thinking", "Hm.", "sig")]),
        sealed([SignedBlock("redacted_thinking", data="eA==")]),
        None,
    ]
    again = json.loads(asked(input=[{"role": "user", "content": "Hi"}, *found["output"]]).request.body)["messages"][1]
    assert again["thinking_blocks"] == MESSAGE["thinking_blocks"]
    assert again["content"] == MESSAGE["content"]
    assert timeless(events_of(pieces(), exchange)[-1]["response"]) == timeless(found)


@given(requests)
def test_a_response_tells_how_it_was_asked_for(body: Fields) -> None:
    exchange = Responses.read(json.dumps(body).encode())
    found = response_of(whole({"content": "Hi"}), exchange)
    for name in ("instructions", "temperature", "top_p", "max_output_tokens"):
        assert found[name] == body.get(name)
    assert len(found["tools"]) == len(body.get("tools", ()))
    assert found["tool_choice"] == body.get("tool_choice", "auto")
    assert timeless(events_of(pieces({"content": "Hi"}, "stop"), exchange)[-1]["response"]) == timeless(found)


def test_named_choices_are_told_as_they_were_made() -> None:
    tools = [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": None}]
    for choice in (
        {"type": "function", "name": "f"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
    ):
        assert response_of(whole({"content": "Hi"}), asked(tools=tools, tool_choice=choice))["tool_choice"] == choice


def test_a_usage_that_only_the_trace_knows_is_told() -> None:
    asked_for = call(stream=True)
    asked_for.trace.usage = Usage(7, 9, 2)
    writer = asked().stream(asked_for)
    writer.feed(chunk({"content": "Hi"}, "stop"))
    assert json.loads(payloads(writer.end())[-1])["response"]["usage"]["total_tokens"] == 16


def test_comments_stay() -> None:
    writer = asked().stream(call(stream=True))
    assert b"response.created" in writer.feed(b": waking up\n\n")
    assert writer.feed(b": waking up\n\n") == b": waking up\n\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnavailableError("Nobody is there."), "server_error"),
        (RateLimitError("Slow down."), "rate_limit_exceeded"),
        (InvalidRequestError("Too long."), "invalid_prompt"),
    ],
)
def test_a_broken_stream_has_failed(error: UnavailableError, code: str) -> None:
    writer = ResponseEvents(asked().params, call(stream=True))
    data = writer.feed(chunk({"reasoning_content": "Hm."}) + chunk({"content": "Hi"}))
    last = checked(data + writer.broken(error))[-1]
    assert last["type"] == "response.failed"
    response = last["response"]
    assert response["error"] == {"code": code, "message": error.message}
    assert [item["type"] for item in response["output"]] == ["reasoning"]
    with pytest.raises(UpstreamError):
        writer.end()


def test_a_stream_that_broke_at_once_has_begun_all_the_same() -> None:
    writer = ResponseEvents(asked().params, call(stream=True))
    kinds = [event["type"] for event in checked(writer.broken(UpstreamError("No.")))]
    assert kinds == ["response.created", "response.in_progress", "response.failed"]


def test_a_reply_without_an_answer_is_none() -> None:
    with pytest.raises(UpstreamError):
        asked().whole(call(), msgspec.json.encode({"choices": []}))
    with pytest.raises(UpstreamError):
        events_of([DONE])
