"""Streams put together again: whole where they are clear, nothing where they are not, and never an exception."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.stream import DONE, event
from forebay.core.types import Operation, Usage
from forebay.gateway.cache.collect import assembled
from forebay.gateway.cache.replay import replay
from forebay.gateway.cache.whole import named, storable
from tests.support.cached import chunk, chunks, completion

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "tool_calls", "function", "index", "content", "logprobs", "error", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def whole(pieces: list[bytes], usage: Usage | None = None) -> Any:
    body = assembled(Operation.CHAT, b"".join(pieces), usage)
    return None if body is None else msgspec.json.decode(body)


@given(st.lists(st.text(max_size=20), max_size=8))
def test_text_comes_together_however_it_was_cut(texts: list[str]) -> None:
    found = whole(chunks(*texts), Usage(3, 4, 1))
    assert found["choices"][0]["message"]["content"] == "".join(texts)
    assert found["usage"]["prompt_tokens_details"]["cached_tokens"] == 1


def test_choices_do_not_mix() -> None:
    pieces = [event(chunk({"content": text}, index=index)) for index, text in ((1, "b"), (0, "a"), (1, "d"), (0, "c"))]
    ends = [event(chunk({}, "stop", index)) for index in (0, 1)]
    found = whole([*pieces, *ends, DONE])
    assert [each["message"]["content"] for each in found["choices"]] == ["ac", "bd"]


def test_log_probabilities_are_joined() -> None:
    def piece(token: str) -> bytes:
        choice = {"index": 0, "delta": {"content": token}, "logprobs": {"content": [{"token": token}], "refusal": None}}
        return event(msgspec.json.encode({"choices": [choice]}))

    found = whole([piece("a"), piece("b"), event(chunk({}, "stop")), DONE])
    assert [each["token"] for each in found["choices"][0]["logprobs"]["content"]] == ["a", "b"]


@settings(max_examples=40)
@given(st.lists(JSON, max_size=5))
def test_whatever_json_a_stream_is_made_of_it_is_put_together_or_let_go(pieces: list[Any]) -> None:
    events = b"".join(event(msgspec.json.encode(each)) for each in pieces) + DONE
    for operation in (Operation.CHAT, Operation.COMPLETION):
        body = assembled(operation, events, None)
        if body is not None:
            storable(operation, body)


@given(st.binary(max_size=200))
def test_whatever_bytes_come_they_are_stored_or_let_go(data: bytes) -> None:
    for operation in (Operation.CHAT, Operation.COMPLETION, Operation.EMBEDDING):
        assembled(operation, data + b"\n\n" + DONE, None)
        storable(operation, data)


@settings(max_examples=40)
@given(JSON)
def test_whatever_is_stored_can_be_told_again(fields: Any) -> None:
    choice = {"finish_reason": "stop", "message": {"content": "x"}, "extra": fields}
    for operation in (Operation.CHAT, Operation.COMPLETION):
        stored = storable(
            operation, msgspec.json.encode({"id": "a", "created": 1, "choices": [choice], "more": fields})
        )
        assert stored is not None
        told = msgspec.json.decode(named(operation, stored, "req_1", 5.0))
        assert told["created"] == 5
        assert replay(operation, stored, "req_1", 5.0, include_usage=True) is not None


def test_calls_that_come_out_of_turn_are_let_go() -> None:
    for index in (-1, 5):
        call = {"index": index, "function": {"name": "f", "arguments": "{}"}}
        assert whole([event(chunk({"tool_calls": [call]}, "tool_calls")), DONE]) is None


def test_a_choice_without_a_message_can_be_told_again() -> None:
    stored = storable(Operation.CHAT, b'{"choices": [{"finish_reason": "stop", "message": null}]}')
    assert stored is not None
    assert replay(Operation.CHAT, stored, "req_1", 5.0, include_usage=False) is not None


def test_a_stored_reply_has_neither_id_nor_time() -> None:
    stored = storable(Operation.CHAT, completion())
    assert stored is not None
    assert not {"id", "created"} & msgspec.json.decode(stored).keys()
