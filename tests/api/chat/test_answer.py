"""An answer is the same however its chunks are cut, and is told part by part."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.api.chat.answer import Answer, arguments_of
from forebay.api.chat.parts import Reasoning, Redacted, Refusal, Text, ToolCall
from forebay.core.errors import UpstreamError
from forebay.core.types import Usage

Fields = dict[str, Any]


class Log:
    """What a listener hears, held against the rules: one part at a time, in order, every piece within its part."""

    def __init__(self) -> None:
        self.parts: list[tuple[type[Text], str]] = []
        self.open = False

    def opened(self, index: int, part: Text) -> None:
        assert not self.open
        assert index == len(self.parts)
        assert not isinstance(part, ToolCall) or (part.id and part.name)
        self.parts.append((type(part), ""))
        self.open = True

    def grew(self, index: int, part: Text, piece: str) -> None:
        assert self.open
        assert index == len(self.parts) - 1
        assert piece
        self.parts[-1] = (type(part), self.parts[-1][1] + piece)

    def closed(self, index: int, part: Text) -> None:
        assert self.open
        assert index == len(self.parts) - 1
        assert self.parts[-1] == (type(part), part.text)
        self.open = False


def chunk(delta: Fields, finish: str | None = None) -> bytes:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode()


def told(*deltas: Fields, finish: str = "stop") -> Answer:
    log = Log()
    answer = Answer("1", log)
    for delta in deltas:
        answer.feed(chunk(delta))
    answer.feed(chunk({}, finish))
    answer.end()
    assert log.parts == [(type(part), part.text) for part in answer.parts]
    assert not log.open
    return answer


def call(index: int, arguments: str = "", **first: str) -> Fields:
    function = {"arguments": arguments} | ({"name": first["name"]} if "name" in first else {})
    return {"tool_calls": [{"index": index, "function": function} | ({"id": first["id"]} if "id" in first else {})]}


# What an answer says, in order: text and reasoning alternate with calls.
words = st.text(min_size=1, max_size=8)
objects = st.dictionaries(words, st.integers() | words | st.lists(st.none(), max_size=2), max_size=2).map(json.dumps)
spoken = st.tuples(st.sampled_from(["content", "reasoning_content", "refusal"]), words)
called = st.tuples(st.just("call"), objects)
answers = st.lists(spoken | called, min_size=1, max_size=5)


def cut(draw: st.DrawFn, text: str) -> list[str]:
    places = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=3)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Fields], list[tuple[str, str]]]:
    """Deltas, and what they say: pieces of any size, late pieces of calls among what comes after them."""
    said: list[tuple[str, str]] = []
    deltas: list[Fields] = []
    late: list[list[Fields]] = []
    calls = 0
    for kind, text in draw(answers):
        pieces = cut(draw, text)
        if kind == "call":
            first = call(calls, pieces[0], id=f"call_{calls}", name=f"tool_{calls}")
            rest = [call(calls, piece) for piece in pieces[1:]]
            if draw(st.booleans()):
                rest.insert(0, call(calls, pieces[0]))
                first = call(calls, "", id=f"call_{calls}", name=f"tool_{calls}")
            deltas.append(first)
            late.append(rest)
            said.append((kind, text))
            calls += 1
        else:
            deltas += [{kind: piece} for piece in pieces]
            if said and said[-1][0] == kind:
                said[-1] = (kind, said[-1][1] + text)
            else:
                said.append((kind, text))
        for rest in late:
            while draw(st.booleans()) and rest:
                deltas.append(rest.pop(0))
    return [*deltas, *(delta for rest in late for delta in rest)], said


ORDER = ["reasoning_content", "content", "refusal", "tool_calls"]


@st.composite
def merged(draw: st.DrawFn) -> tuple[list[Fields], list[tuple[str, str]]]:
    """The same with some neighbours in one delta, where its fields are in the order in which they are read."""
    deltas, said = draw(streams())
    found: list[Fields] = []
    for delta in deltas:
        ((kind, value),) = delta.items()
        last = found[-1] if found else {}
        if draw(st.booleans()) and last and ORDER.index(kind) >= max(map(ORDER.index, last)):
            last[kind] = last[kind] + value if kind in last else value
        else:
            found.append({kind: value})
    return found, said


KINDS = {"content": Text, "reasoning_content": Reasoning, "refusal": Refusal, "call": ToolCall}


@given(merged())
def test_any_way_of_cutting_gives_the_same_answer(stream: tuple[list[Fields], list[tuple[str, str]]]) -> None:
    deltas, said = stream
    answer = told(*deltas)
    assert [(type(part), part.text) for part in answer.parts] == [(KINDS[kind], text) for kind, text in said]
    calls = [part for part in answer.parts if isinstance(part, ToolCall)]
    assert [(each.id, each.name) for each in calls] == [(f"call_{n}", f"tool_{n}") for n in range(len(calls))]


@given(answers)
def test_a_whole_reply_is_the_same_answer(said: list[tuple[str, str]]) -> None:
    message = {
        kind: "".join(text for each, text in said if each == kind)
        for kind in ("content", "reasoning_content", "refusal")
    }
    calls = [text for kind, text in said if kind == "call"]
    body = {"tool_calls": [{"id": "", "function": {"name": "f", "arguments": text}} for text in calls], **message}
    choice = {"index": 0, "message": body, "finish_reason": "stop"}
    answer = Answer.of("1", json.dumps({"choices": [choice]}).encode())
    told_kinds = [type(part) for part in answer.parts]
    assert told_kinds == [KINDS[kind] for kind in ORDER[:3] if message[kind]] + [ToolCall] * len(calls)
    assert [part.text for part in answer.parts if isinstance(part, ToolCall)] == calls


def test_a_call_is_told_while_it_comes() -> None:
    log = Log()
    answer = Answer("1", log)
    answer.feed(chunk(call(0, '{"a":', id="call_a", name="f")))
    assert log.parts == [(ToolCall, '{"a":')]
    answer.feed(chunk(call(0, "1}")))
    answer.feed(chunk(call(1, "", id="call_b", name="g")))
    assert log.parts == [(ToolCall, '{"a":1}'), (ToolCall, "")]


def test_calls_without_arguments_have_an_object() -> None:
    answer = told(call(0, "", id="call_a", name="f"), call(1, " ", id="call_b", name="g"))
    assert [json.loads(part.text) for part in answer.parts] == [{}, {}]


@pytest.mark.parametrize(
    "calls",
    [
        [
            {"id": "call_a", "function": {"name": "f", "arguments": "{}"}},
            {"function": {"name": "g", "arguments": "{}"}},
        ],
        [
            {"index": 0, "id": "call_a", "function": {"name": "f", "arguments": "{}"}},
            {"index": 0, "id": "call_b", "function": {"name": "g", "arguments": "{}"}},
        ],
        [
            {"id": "0", "index": 0, "function": {"name": "f", "arguments": {}}},
            {"id": "0", "index": 1, "function": {"name": "g", "arguments": {}}},
        ],
        [{"index": 0, "id": 7, "function": {"name": "f"}}, {"index": 4, "id": "x.y:1", "function": {"name": "g"}}],
    ],
    ids=["no index", "the same index", "the same id", "strange ids"],
)
def test_calls_of_sloppy_servers_stay_apart(calls: list[Fields]) -> None:
    for answer in (told({"tool_calls": calls}), told(*({"tool_calls": [each]} for each in calls))):
        found = [part for part in answer.parts if isinstance(part, ToolCall)]
        assert [(each.name, json.loads(each.text)) for each in found] == [("f", {}), ("g", {})]
        assert len({each.id for each in found}) == 2
        assert all(each.id.replace("_", "").isalnum() for each in found)


def test_pieces_without_an_index_belong_to_the_call_before_or_to_their_id() -> None:
    pieces: list[Fields] = [
        {"id": "call_a", "function": {"name": "f", "arguments": '{"a"'}},
        {"function": {"arguments": ":1}"}},
        {"id": "call_b", "function": {"name": "g", "arguments": '{"b"'}},
        {"id": "call_b", "function": {"arguments": ":2}"}},
    ]
    answer = told(*({"tool_calls": [piece]} for piece in pieces))
    assert [part.text for part in answer.parts] == ['{"a":1}', '{"b":2}']


def test_a_name_may_come_late_but_must_come() -> None:
    answer = told(call(0, '{"a":1}'), call(0, "", id="call_a", name="f"))
    (part,) = answer.parts
    assert isinstance(part, ToolCall)
    assert (part.name, part.text) == ("f", '{"a":1}')
    with pytest.raises(UpstreamError, match="without a name"):
        told(call(0, "{}"))


def test_the_oldest_form_of_a_call_is_one() -> None:
    answer = told({"function_call": {"name": "f", "arguments": '{"a"'}}, {"function_call": {"arguments": ":1}"}})
    (part,) = answer.parts
    assert isinstance(part, ToolCall)
    assert (part.name, part.text, answer.calls) == ("f", '{"a":1}', True)


def test_signed_reasoning_is_one_part() -> None:
    signed = {"type": "thinking", "thinking": "Hm, so.", "signature": "sig", "index": 0}
    answer = told(
        {"reasoning_content": "Hm, "},
        {"reasoning_content": "so."},
        {"thinking_blocks": [signed]},
        {"thinking_blocks": [{"type": "redacted_thinking", "data": "eA=="}]},
        {"reasoning_content": "More."},
    )
    assert answer.parts == [
        Reasoning(["Hm, ", "so."], "sig"),
        Redacted([], "eA=="),
        Reasoning(["More."]),
    ]


def test_reasoning_signed_in_pieces_is_one_part() -> None:
    pieces = [
        {"reasoning_content": text, "thinking_blocks": [{"type": "thinking", "thinking": text, "signature": sign}]}
        for text, sign in (("Hm, ", None), ("so.", None), ("", "sig"))
    ]
    assert told(*pieces).parts == [Reasoning(["Hm, ", "so."], "sig")]


def test_a_whole_reply_keeps_each_signature_with_its_text() -> None:
    blocks = [{"type": "thinking", "thinking": text, "signature": text * 2} for text in ("a", "b")]
    message = {"content": "Hi", "reasoning_content": "ab", "thinking_blocks": blocks}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    assert Answer.of("1", body).parts == [Reasoning(["a"], "aa"), Reasoning(["b"], "bb"), Text(["Hi"])]


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Hi"}],
        [{"type": "thinking", "thinking": "Hm."}, "Hi", {"type": "other"}, 3],
    ],
)
def test_content_in_parts_is_read(content: list[Any]) -> None:
    assert told({"content": content}).parts == [Reasoning(["Hm."]), Text(["Hi"])]


def test_other_names_of_things() -> None:
    answer = Answer("1")
    answer.feed(chunk({"reasoning": "Hm."}))
    answer.feed(b'{"choices":[{"index":1,"delta":{"content":"another"},"finish_reason":"stop"}]}')
    answer.feed(b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop","stop_reason":"END"}]}')
    answer.feed(
        b'{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"prompt_cache_hit_tokens":4,'
        b'"completion_tokens_details":{"reasoning_tokens":2}}}'
    )
    answer.end()
    assert answer.parts == [Reasoning(["Hm."])]
    assert answer.stop == "END"
    assert answer.usage == Usage(9, 3, 4, 0, 2)


def test_a_strange_usage_does_not_make_an_answer_useless() -> None:
    answer = Answer("1")
    answer.feed(b'{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":"nine"}}')
    assert answer.parts == [Text(["Hi"])]
    assert answer.usage is None


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"error": {"message": "no"}}', b'{"choices": 5}'])
def test_what_is_no_chunk_is_told(payload: bytes) -> None:
    with pytest.raises(UpstreamError):
        Answer("1").feed(payload)


def test_half_an_answer_is_none() -> None:
    answer = Answer("1")
    answer.feed(chunk({"content": "Hi"}))
    with pytest.raises(UpstreamError, match="before it was whole"):
        answer.end()


@pytest.mark.parametrize("text", ["nonsense", "[1]", '"x"', "{", '{"a": ' + "[" * 5000])
def test_arguments_that_are_no_object_are_not_lost(text: str) -> None:
    found = arguments_of(ToolCall([text]))
    assert json.loads(bytes(found["arguments"])) == text


@given(st.binary(max_size=40))
def test_any_bytes_are_a_chunk_or_an_error(payload: bytes) -> None:
    try:
        Answer("1").feed(payload)
    except UpstreamError:
        return
