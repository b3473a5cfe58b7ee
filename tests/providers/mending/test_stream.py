"""Streams of sloppy servers, as strict clients want them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.errors import UpstreamError
from forebay.core.stream import DONE, event, payloads
from forebay.providers.dialects.answer import FinishReasons
from forebay.providers.mending.fields import REASONS
from forebay.providers.mending.stream import AsItCame, Mending
from tests.support.schemas import check

Chunk = dict[str, Any]
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def chunk(delta: Chunk | None = None, finish: str | None = None, index: int = 0, **more: object) -> Chunk:
    choices = [] if delta is None else [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}]
    return {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": choices, **more}


def call(number: int, name: str | None = None, arguments: str = "", call_id: str | None = None) -> Chunk:
    first = {"id": call_id, "type": "function"} if call_id else {}
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    return {"tool_calls": [{"index": number, **first, "function": function}]}


def encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def through(chunks: list[Chunk], *, asked: bool = False, reasons: FinishReasons | None = None) -> list[bytes]:
    """The events that a client gets for ``chunks``."""
    mender = Mending("asked", reasons or FinishReasons(REASONS), asked=asked)
    events = [mender.chunk(event(encoded(each)), encoded(each)) for each in chunks]
    return [data for each in [*events, mender.end()] for data in payloads(each)]


def mended(chunks: list[Chunk], *, asked: bool = False) -> list[Chunk]:
    found = [json.loads(data) for data in through(chunks, asked=asked)]
    _is_strict(found, asked=asked)
    return found


def _is_strict(chunks: list[Chunk], *, asked: bool) -> None:
    """What openai-surface asks of a stream, beside the schema."""
    finished: set[int] = set()
    roles: set[int] = set()
    for each in chunks:
        check("CreateChatCompletionStreamResponse", each)
        assert {name: each[name] for name in ("id", "created", "model")} == {
            name: chunks[0][name] for name in ("id", "created", "model")
        }
        if asked:
            assert "usage" in each
            assert each["usage"] is None or not each["choices"]
        for choice in each["choices"]:
            index, delta = choice["index"], choice["delta"]
            assert index not in finished
            assert not ("role" in delta and index in roles)
            roles.add(index)
            if choice["finish_reason"]:
                finished.add(index)
    assert finished == roles


def texts(chunks: list[Chunk]) -> str:
    return "".join(choice["delta"].get("content") or "" for each in chunks for choice in each["choices"])


def calls(chunks: list[Chunk]) -> list[tuple[str, str, str]]:
    """Id, name and arguments of each call, put together as clients do."""
    found: list[list[str]] = []
    for each in chunks:
        for choice in each["choices"]:
            for fragment in choice["delta"].get("tool_calls", ()):
                if fragment["index"] == len(found):
                    assert fragment["type"] == "function"
                    found.append([fragment["id"], fragment["function"]["name"], fragment["function"]["arguments"]])
                else:
                    assert not fragment.keys() & {"id", "type"}
                    found[fragment["index"]][2] += fragment["function"]["arguments"]
    ids = [each[0] for each in found]
    assert len(set(ids)) == len(ids)
    return [(call_id, name, arguments) for call_id, name, arguments in found]


def reasons_of(chunks: list[Chunk]) -> list[str]:
    return [choice["finish_reason"] for each in chunks for choice in each["choices"] if choice["finish_reason"]]


EXACT_TEXT = [chunk({"role": "assistant", "content": ""}), chunk({"content": "Hé"}), chunk({"content": "llo"})]
EXACT_CALLS = [
    chunk({"role": "assistant", "content": None}),
    chunk(call(0, "add", "", "call_a")),
    chunk(call(0, None, '{"a"')),
    chunk(call(0, None, ":1}")),
    chunk(call(1, "add", "", "call_b")),
    chunk(call(1, None, "{}")),
]


@pytest.mark.parametrize("body", [[*EXACT_TEXT, chunk({}, "stop")], [*EXACT_CALLS, chunk({}, "tool_calls")]])
def test_an_exact_stream_goes_on_byte_for_byte(body: list[Chunk]) -> None:
    assert through(body) == [encoded(each) for each in body]
    asked = [{**each, "usage": None} for each in body] + [chunk(None, usage=USAGE)]
    assert through(asked, asked=True) == [encoded(each) for each in asked]


def _role_everywhere(chunks: list[Chunk]) -> None:
    for each in chunks:
        for choice in each["choices"]:
            choice["delta"]["role"] = "assistant"


def _no_role(chunks: list[Chunk]) -> None:
    for each in chunks:
        for choice in each["choices"]:
            choice["delta"].pop("role", None)


def _empty_ids(chunks: list[Chunk]) -> None:
    for number, each in enumerate(chunks):
        each["id"] = "" if number % 2 else None


def _no_head(chunks: list[Chunk]) -> None:
    for each in chunks:
        for name in ("id", "object", "created", "model"):
            del each[name]


def _nulls(chunks: list[Chunk]) -> None:
    for each in chunks:
        each["system_fingerprint"] = None
        for choice in each["choices"]:
            del choice["logprobs"]
            choice["delta"].setdefault("tool_calls", None)
            choice["delta"]["function_call"] = None


def _no_index(chunks: list[Chunk]) -> None:
    for each in chunks:
        for choice in each["choices"]:
            del choice["index"]


def _empty_reasons(chunks: list[Chunk]) -> None:
    for each in chunks:
        for choice in each["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or ""


def _stop_for_everything(chunks: list[Chunk]) -> None:
    for each in chunks:
        for choice in each["choices"]:
            choice["finish_reason"] = choice["finish_reason"] and "stop"


def _early_and_twice(chunks: list[Chunk]) -> None:
    chunks[1]["choices"][0]["finish_reason"] = "stop"


def _number_ids(chunks: list[Chunk]) -> None:
    for fragment in _fragments(chunks):
        if "id" in fragment:
            fragment["id"] = "0"


def _same_ids(chunks: list[Chunk]) -> None:
    for fragment in _fragments(chunks):
        if "id" in fragment:
            fragment["id"] = "call_same"


def _wide_indexes(chunks: list[Chunk]) -> None:
    for fragment in _fragments(chunks):
        fragment["index"] = fragment["index"] * 2 + 1


def _usage_in_the_last_content_chunk(chunks: list[Chunk]) -> None:
    chunks[-1]["usage"] = {**USAGE, "prompt_tokens_details": None, "completion_tokens_details": {"x": None}}


def _no_finish(chunks: list[Chunk]) -> None:
    chunks.pop()


def _fragments(chunks: list[Chunk]) -> Iterator[Chunk]:
    for each in chunks:
        for choice in each["choices"]:
            yield from choice["delta"].get("tool_calls") or ()


Quirk = Callable[[list[Chunk]], None]
ANY = (
    *(_role_everywhere, _no_role, _empty_ids, _no_head, _nulls, _no_index, _empty_reasons, _stop_for_everything),
    *(_early_and_twice, _number_ids, _same_ids, _wide_indexes, _usage_in_the_last_content_chunk, _no_finish),
)


@given(quirks=st.lists(st.sampled_from(ANY), unique=True), tools=st.booleans(), asked=st.booleans())
def test_whatever_is_sloppy_comes_out_strict(quirks: list[Quirk], *, tools: bool, asked: bool) -> None:
    body: list[Chunk] = json.loads(json.dumps(EXACT_CALLS if tools else EXACT_TEXT))
    body.append(chunk({}, "tool_calls" if tools else "stop"))
    for quirk in sorted(quirks, key=ANY.index):
        quirk(body)
    found = mended(body, asked=asked)
    assert texts(found) == ("" if tools else "Héllo")
    assert [each[1:] for each in calls(found)] == ([("add", '{"a":1}'), ("add", "{}")] if tools else [])
    assert reasons_of(found) == ["tool_calls" if tools else "stop"]
    if asked and _usage_in_the_last_content_chunk in quirks and _no_finish not in quirks:
        assert found[-1]["usage"] == {**USAGE, "completion_tokens_details": {}}


@given(
    numbers=st.lists(st.integers(0, 3)),
    strange=st.recursive(st.none() | st.booleans() | st.text(), st.lists),
    asked=st.booleans(),
)
def test_fields_of_any_shape_do_no_harm(numbers: list[int], strange: object, *, asked: bool) -> None:
    mender = Mending("m", FinishReasons(REASONS), asked=asked)
    for number in numbers:
        odd = chunk({"tool_calls": [{"index": strange, "function": strange}]}, usage=strange)
        fields = [odd, chunk(None, choices=strange), {**odd, "choices": [{"delta": strange}]}, {"choices": strange}]
        data = encoded(fields[number])
        for each in payloads(mender.chunk(event(data), data)):
            json.loads(each)
    for each in payloads(mender.end()):
        check("CreateChatCompletionStreamResponse", json.loads(each))


def test_calls_that_all_have_index_0_are_told_apart() -> None:
    one = {"index": 0, "id": "call_a", "type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
    two = {**one, "id": "call_b"}
    together = mended([chunk({"tool_calls": [one, two]}), chunk({}, "stop")])
    apart = mended([chunk({"tool_calls": [one]}), chunk({"tool_calls": [two]}, "stop")])
    assert calls(together) == calls(apart) == [("call_a", "add", '{"a":1}'), ("call_b", "add", '{"a":1}')]


def test_whole_calls_of_one_name_that_are_all_called_0_are_told_apart() -> None:
    one = {"index": 0, "id": "0", "function": {"name": "add", "arguments": '{"a": {}}'}}
    two = {**one, "function": {"name": "add", "arguments": {"b": 2}}}
    found = calls(mended([chunk({"tool_calls": [one, two]}), chunk({"tool_calls": [one]}), chunk({}, "stop")]))
    assert [each[2] for each in found] == ['{"a": {}}', '{"b":2}', '{"a": {}}']


def test_a_name_and_an_id_of_its_own_in_every_fragment_are_one_call() -> None:
    fragments: list[Chunk] = [
        {"function": {"name": "add", "arguments": "{"}},
        {"function": {"name": "add", "arguments": "}"}},
    ]
    fragments.append({"index": None, "id": "", "function": {"arguments": None}})
    assert [each[1:] for each in calls(mended([chunk({"tool_calls": [one]}) for one in fragments]))] == [("add", "{}")]
    renamed = [chunk(call(0, "add", "{", "id_1")), chunk({"tool_calls": [{"index": 0, "id": "id_2", "function": {}}]})]
    assert calls(mended(renamed)) == [("id_1", "add", "{")]


def test_content_after_the_finish_reason_comes_before_it() -> None:
    found = mended([chunk({"content": "a"}, "length"), chunk({"content": "b"}), chunk({}, "stop")])
    assert texts(found) == "ab"
    assert reasons_of(found) == ["length"]


def test_several_answers_each_end_once() -> None:
    mixed = chunk({"content": "a"})
    mixed["choices"].append({"index": 1, "delta": {"content": "b"}, "finish_reason": "stop"})
    found = mended([mixed, chunk({"content": "c"}, "stop")])
    assert texts(found) == "abc"
    assert reasons_of(found) == ["stop", "stop"]


def test_unknown_reasons_are_counted_and_failures_are_failures() -> None:
    reasons = FinishReasons(REASONS)
    body = [chunk({"content": "a"}), chunk({}, "hallucinated")]
    assert json.loads(through(body, reasons=reasons)[-1])["choices"][0]["finish_reason"] == "stop"
    assert reasons.unknown.total() == 1
    with pytest.raises(UpstreamError, match="'error'"):
        mended([chunk({}, "error")])


def test_a_chunk_without_end_in_depth_is_refused() -> None:
    deep = b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(UpstreamError, match="deep"):
        Mending("m", FinishReasons(REASONS), asked=False).chunk(event(deep), deep)


def test_an_exact_upstream_is_not_looked_at() -> None:
    assert AsItCame().chunk(DONE, b"{") == DONE
    assert AsItCame().end() == b""
