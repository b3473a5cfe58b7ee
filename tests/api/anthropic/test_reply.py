"""Answers as Anthropic's messages, whole and in events: valid, and the same."""

import json
from typing import Any

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from forebay.api.anthropic.reply import MessageEvents, message
from forebay.core.errors import RateLimitError, UnavailableError, UpstreamError
from forebay.core.stream import DONE, payloads
from forebay.core.types import Usage
from tests.support.chunks import MESSAGE, REDACTED, SIGNED, chunk, pieces, whole
from tests.support.schemas import check
from tests.support.scripted import call

Fields = dict[str, Any]
EVENTS: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)


def events_of(stream: list[bytes]) -> list[Fields]:
    """What becomes of a stream, each event checked against its name and the vendor's document."""
    writer = MessageEvents(call(stream=True))
    data = b"".join(map(writer.feed, stream)) + writer.end()
    found = [json.loads(payload) for payload in payloads(data)]
    names = [line[7:].decode() for line in data.split(b"\n") if line.startswith(b"event: ")]
    assert names == [event["type"] for event in found]
    for event in found:
        if event["type"] != "ping":
            check("MessageStreamEvent", event, "anthropic")
    return found


def put_together(events: list[Fields]) -> Fields:
    """The message as Anthropic's client puts it together."""
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in events:
        if event["type"] not in {"ping", "message_stop"}:
            typed = EVENTS.validate_python(event)
            snapshot = accumulate_event(event=typed, current_snapshot=snapshot, json_bufs=buffers)
    found: Fields = snapshot.to_dict()
    return found


def message_of(body: bytes) -> Fields:
    found: Fields = json.loads(message(call(), body))
    check("Message", found, "anthropic")
    return found


def test_a_whole_message() -> None:
    found = message_of(whole(MESSAGE, "tool_calls"))
    assert (found["id"], found["model"], found["stop_reason"]) == ("msg_1", "m", "tool_use")
    direct = {"type": "direct"}
    assert found["content"] == [
        SIGNED,
        REDACTED,
        {"type": "text", "text": "I look.", "citations": None},
        {"type": "tool_use", "id": "call_a", "name": "weather", "input": {"city": "Paris"}, "caller": direct},
        {"type": "tool_use", "id": "call_b", "name": "time", "input": {}, "caller": direct},
    ]
    usage = found["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (3, 5)
    assert (usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]) == (4, 2)
    assert usage["output_tokens_details"] == {"thinking_tokens": 3}


def test_a_streamed_message_is_the_same() -> None:
    events = events_of(pieces())
    assert [event["type"] for event in events][:2] == ["message_start", "content_block_start"]
    assert [event["type"] for event in events][-2:] == ["message_delta", "message_stop"]
    indices = [event["index"] for event in events if event["type"] == "content_block_start"]
    assert indices == [event["index"] for event in events if event["type"] == "content_block_stop"] == [0, 1, 2, 3, 4]
    found, expected = put_together(events), message_of(whole(MESSAGE, "tool_calls"))
    expected["usage"]["cache_creation"] = found["usage"]["cache_creation"]  # told at the start, when nobody knows it
    assert {name: found[name] for name in expected} == expected


@given(st.integers(1, 12), st.integers(1, 7))
def test_events_may_come_in_pieces_of_any_number(first: int, then: int) -> None:
    stream = pieces()
    batches = [b"".join(stream[:first])]
    batches += [b"".join(stream[start : start + then]) for start in range(first, len(stream), then)]
    assert put_together(events_of(batches)) == put_together(events_of(stream))


@pytest.mark.parametrize(
    ("said", "finish", "choice", "expected"),
    [
        ({"content": "Hi"}, "stop", {}, ("end_turn", None)),
        ({"content": "Hi"}, "length", {}, ("max_tokens", None)),
        ({"content": "Hi"}, "content_filter", {}, ("refusal", None)),
        ({"content": None, "refusal": "No."}, "stop", {}, ("refusal", None)),
        ({"content": "Hi"}, "stop", {"stop_reason": "END"}, ("stop_sequence", "END")),
        ({"content": "Hi"}, "stop", {"stop_reason": 151643}, ("end_turn", None)),
        ({"content": "Hi"}, "stop", {"matched_stop": "END"}, ("stop_sequence", "END")),
        ({"content": "Hi"}, "tool_calls", {}, ("end_turn", None)),
        ({"content": "Hi"}, "whatever", {}, ("end_turn", None)),
        (MESSAGE, "stop", {}, ("tool_use", None)),
        (MESSAGE, "length", {}, ("max_tokens", None)),
        ({"content": None}, "stop", {}, ("end_turn", None)),
    ],
)
def test_why_it_ended(said: Fields, finish: str, choice: Fields, expected: tuple[str, str | None]) -> None:
    found = message_of(whole(said, finish, **choice))
    assert (found["stop_reason"], found["stop_sequence"]) == expected
    (delta,) = [each for each in events_of(pieces(said, finish, **choice)) if each["type"] == "message_delta"]
    assert (delta["delta"]["stop_reason"], delta["delta"]["stop_sequence"]) == expected


def test_a_usage_that_only_the_trace_knows_is_told() -> None:
    asked = call(stream=True)
    asked.trace.usage = Usage(7, 0, 2)
    writer = MessageEvents(asked)
    (start,) = map(json.loads, payloads(writer.feed(chunk({"role": "assistant"}))))
    assert start["message"]["usage"]["input_tokens"] == 5
    asked.trace.usage = Usage(7, 9, 2)
    writer.feed(chunk({"content": "Hi"}, "stop"))
    delta = json.loads(payloads(writer.end())[-2])
    assert (delta["usage"]["input_tokens"], delta["usage"]["output_tokens"]) == (5, 9)


def test_comments_become_pings() -> None:
    writer = MessageEvents(call(stream=True))
    assert b"message_start" in writer.feed(b": waking up\n\n")
    assert writer.feed(b": waking up\n\n") == b'event: ping\ndata: {"type":"ping"}\n\n'


def test_a_broken_stream_ends_with_an_error() -> None:
    writer = MessageEvents(call(stream=True))
    writer.feed(chunk({"content": "Hi"}))
    (told,) = map(json.loads, payloads(writer.broken(UnavailableError("Nobody is there."))))
    check("ErrorResponse", told, "anthropic")
    assert told == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Nobody is there."},
        "request_id": "req_1",
    }
    with pytest.raises(UpstreamError):
        writer.end()


def test_an_error_does_not_swallow_what_came_before() -> None:
    writer = MessageEvents(call(stream=True))
    with pytest.raises(UpstreamError):
        writer.feed(chunk({"content": "Hi"}) + b"data: nonsense\n\n")
    kinds = [json.loads(each)["type"] for each in payloads(writer.broken(RateLimitError("Slow down.")))]
    assert kinds == ["message_start", "content_block_start", "content_block_delta", "error"]


def test_arguments_that_are_no_object_are_not_lost() -> None:
    function = {"name": "f", "arguments": "Paris"}
    found = message_of(whole({"content": None, "tool_calls": [{"id": "call_a", "function": function}]}))
    assert found["content"][0]["input"] == {"arguments": "Paris"}


def test_a_reply_without_an_answer_is_none() -> None:
    with pytest.raises(UpstreamError):
        message(call(), b'{"choices": []}')
    with pytest.raises(UpstreamError):
        events_of([DONE])
