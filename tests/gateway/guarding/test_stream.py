"""Streams past the rules, chunk by chunk."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.errors import ContentFilterError, ForebayError, UpstreamError
from forebay.core.stream import DONE, Primed, event, payloads
from forebay.core.types import Call, Event, Operation, Principal, Reply, Request, Stream, Trace, Usage
from forebay.gateway.guard import Guard
from forebay.gateway.guarding.beside import Beside
from forebay.guarding import Toolbox, policies
from tests.gateway.test_guard import Notes
from tests.support.chunks import MESSAGE, chunk, pieces, usage
from tests.support.guards import guarded

MASK = "  w: {kind: Words, words: [secret], on: [output, tool_args]}"
STOP = "  w: {kind: Words, words: [secret], on: [output, tool_args], on_fail: exception}"


class Streaming:
    """Answers each call with the next of its streams."""

    def __init__(self, *streams: Sequence[bytes | ForebayError]) -> None:
        self._streams = list(streams)
        self.asked: list[dict[str, Any]] = []
        self.open = 0

    async def __call__(self, call: Call) -> Reply:
        self.asked.append(json.loads(call.request.body))
        call.trace.usage = Usage(1, 2)
        return Stream(await Primed.of(self._events(self._streams.pop(0))))

    async def _events(self, script: Sequence[bytes | ForebayError]) -> AsyncGenerator[Event, None]:
        self.open += 1
        try:
            for each in script:
                if isinstance(each, ForebayError):
                    raise each
                yield Event(each, content=each != DONE)
        finally:
            self.open -= 1


class Answer:
    """What a client makes of a stream."""

    def __init__(self) -> None:
        self.texts: dict[tuple[int, str], str] = {}
        self.finish: dict[int, str] = {}
        self.roles = 0
        self.usage: Any = None
        self.done = False
        self.error: ForebayError | None = None
        self.order: list[str] = []
        self.events: list[bytes] = []

    def text(self, key: str = "content", choice: int = 0) -> str:
        return self.texts.get((choice, key), "")

    def take(self, data: bytes) -> None:
        self.events.append(data)
        for payload in payloads(data):
            assert not self.done
            if payload == b"[DONE]":
                self.done = True
                continue
            body = json.loads(payload)
            assert body["id"] == "chatcmpl-1"
            self.usage = body.get("usage") or self.usage
            for each in body["choices"]:
                self._choice(each)

    def _choice(self, choice: dict[str, Any]) -> None:
        index = choice["index"]
        assert index not in self.finish
        delta = choice.get("delta", {"text": choice.get("text")})
        self.roles += "role" in delta
        for key, value in delta.items():
            if isinstance(value, str) and key != "role":
                self._say(index, key, value)
        for call in delta.get("tool_calls", ()):
            self._say(index, f"call {call['index']}", call.get("function", {}).get("arguments", ""))
        if choice["finish_reason"] is not None:
            self.finish[index] = choice["finish_reason"]

    def _say(self, index: int, key: str, text: str) -> None:
        self.texts[index, key] = self.texts.get((index, key), "") + text
        if text and (not self.order or self.order[-1] != key):
            self.order.append(key)


async def stream(
    rules: str, model: Streaming, text: str = "Hi", operation: Operation = Operation.CHAT, notes: Notes | None = None
) -> Answer:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], "prompt": text, "stream": True}
    request = Request(operation, "m", json.dumps(body).encode(), stream=True)
    call = Call("req_1", request, Principal("alice", "team"), Trace(0.0))
    beside = Beside()
    stage = Guard(policies(guarded(f"guards:\n{rules}"), Toolbox()), notes or Notes(), beside)
    answer = Answer()
    try:
        reply = await stage(call, model)
        assert isinstance(reply, Stream)
        async for each in reply.events:
            answer.take(each.data)
    except ForebayError as error:
        answer.error = error
    await beside.close()
    assert not model.open
    return answer


def deltas(*found: dict[str, Any], finish: str = "stop", choices: int = 1) -> list[bytes]:
    first = [chunk({"role": "assistant", "content": ""}, index=index) for index in range(choices)]
    last = [chunk({}, finish, index=index) for index in range(choices)]
    return [*first, *(chunk(each) for each in found), *last, usage(), DONE]


def contents(*texts: str) -> list[bytes]:
    return deltas(*({"content": each} for each in texts))


def cut(text: str, number: int) -> list[str]:
    """``text`` cut before each character whose bit is set in ``number``."""
    found = [""]
    for at, character in enumerate(text):
        if number >> at & 1:
            found.append("")
        found[-1] += character
    return found


TEXT = "a secret is no secrets, but secre"


def test_masks_in_a_text_cut_anywhere() -> None:
    @given(st.integers(0, (1 << len(TEXT)) - 1), st.sampled_from([MASK, STOP]))
    def cut_anywhere(number: int, rules: str) -> None:
        answer = asyncio.run(stream(rules, Streaming(contents(*cut(TEXT, number)))))
        assert "secret" not in answer.text()
        if rules is STOP:
            assert isinstance(answer.error, ContentFilterError)
            assert "a ".startswith(answer.text())
            assert not answer.done
        else:
            assert answer.text() == TEXT.replace("secret", "[WORD]")
            assert (answer.finish, answer.roles, answer.done) == ({0: "stop"}, 1, True)
            assert answer.usage["total_tokens"] == 14

    cut_anywhere()


def test_arguments_cut_anywhere() -> None:
    arguments = '{"key":"a secret"}'

    @given(st.integers(0, (1 << len(arguments)) - 1))
    def cut_anywhere(number: int) -> None:
        head = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
        rest = [{"index": 0, "function": {"arguments": each}} for each in cut(arguments, number)]
        model = Streaming(deltas(*({"tool_calls": [each]} for each in [head, *rest]), finish="tool_calls"))
        answer = asyncio.run(stream(MASK, model))
        assert answer.text("call 0") == '{"key":"a [WORD]"}'
        assert answer.finish == {0: "tool_calls"}

    cut_anywhere()


async def test_escapes_hide_nothing() -> None:
    written = r'{"key":"\u0073ecret \\u0073 \u0022\/"}'
    pieces = [{"index": 0, "function": {"arguments": each}} for each in cut(written, (1 << len(written)) - 1)]
    model = Streaming(deltas(*({"tool_calls": [each]} for each in pieces), finish="tool_calls"))
    answer = await stream(MASK, model)
    assert answer.text("call 0") == r'{"key":"[WORD] \\u0073 \u0022/"}'


async def test_choices_are_judged_each_for_itself() -> None:
    script = deltas(choices=2)
    said = [chunk({"content": "sec"}, index=0), chunk({"content": "ret"}, index=1), chunk({"content": "ret"}, index=0)]
    answer = await stream(MASK, Streaming([*script[:2], *said, *script[2:]]))
    assert (answer.text(), answer.text(choice=1)) == ("[WORD]", "ret")
    assert answer.roles == 2


async def test_all_of_a_rich_answer_arrives_in_order() -> None:
    answer = await stream(MASK, Streaming(pieces(MESSAGE)))
    assert answer.text() == MESSAGE["content"]
    assert answer.text("reasoning_content") == MESSAGE["reasoning_content"]
    assert answer.text("call 0") == MESSAGE["tool_calls"][0]["function"]["arguments"]
    assert answer.order == ["reasoning_content", "content", "call 0"]
    blocks = [block for data in answer.events for block in _blocks(data)]
    assert [block.get("signature") or block.get("data") for block in blocks] == ["sig", "eA=="]


def _blocks(data: bytes) -> list[dict[str, Any]]:
    bodies = [json.loads(each) for each in payloads(data) if each != b"[DONE]"]
    return [block for body in bodies for each in body["choices"] for block in each["delta"].get("thinking_blocks", ())]


@pytest.mark.parametrize("key", ["content", "reasoning_content", "reasoning", "refusal", "something_new"])
async def test_every_kind_of_text_is_judged(key: str) -> None:
    answer = await stream(MASK, Streaming(deltas({key: "a sec"}, {key: "ret b"})))
    assert answer.text(key) == "a [WORD] b"


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({"content": [{"type": "text", "text": "a secret"}]}, "a [WORD]"),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "a secret"}]}]}, "a [WORD]"),
        ({"thinking_blocks": [{"type": "thinking", "thinking": "a secret"}]}, "a [WORD]"),
        ({"annotations": [{"type": "url", "title": "a secret"}]}, "a [WORD]"),
        ({"function_call": {"name": "f", "arguments": "a secret"}}, "a [WORD]"),
    ],
)
async def test_other_shapes_hide_nothing(delta: dict[str, Any], expected: str) -> None:
    answer = await stream(MASK, Streaming(deltas(delta)))
    told = b"".join(answer.events)
    assert b"secret" not in told
    assert expected.encode() in told


async def test_a_refusal_after_some_text_ends_the_stream() -> None:
    answer = await stream(STOP, Streaming(contents("harmless words and then ", "a secret", " and more")))
    assert "harmless words".startswith(answer.text()[:14])
    assert answer.finish == {0: "content_filter"}
    assert isinstance(answer.error, ContentFilterError)
    assert not answer.done


async def test_a_refusal_before_any_text_is_an_error() -> None:
    answer = await stream(STOP, Streaming(contents("secret")))
    assert isinstance(answer.error, ContentFilterError)
    assert not answer.events


async def test_a_choice_that_is_kept_back_ends_alone() -> None:
    rules = STOP.replace("exception", "refrain")
    script = deltas(choices=2)
    said = [chunk({"content": "a long text, then a secret"}), chunk({"content": "peace"}, index=1)]
    answer = await stream(rules, Streaming([*script[:2], *said, chunk({"content": "more"}), *script[2:]]))
    assert answer.finish == {0: "content_filter", 1: "stop"}
    assert answer.text(choice=1) == "peace"
    assert "secret" not in answer.text()
    assert "more" not in answer.text()
    assert answer.done


async def test_another_answer_is_asked_for_before_any_has_left() -> None:
    model = Streaming(contents("a sec", "ret"), contents("pea", "ce"))
    answer = await stream(STOP.replace("exception", "reask"), model)
    assert answer.text() == "peace"
    assert model.asked[1]["messages"][1] == {"role": "assistant", "content": "a secret"}


async def test_values_return_in_pieces() -> None:
    class Echo(Streaming):
        async def __call__(self, call: Call) -> Reply:
            text = json.loads(call.request.body)["messages"][0]["content"]
            self._streams = [contents(*text)]
            return await super().__call__(call)

    answer = await stream("  w: {kind: Words, words: [Ann], on: [input]}", Echo(), "Ann and Ann")
    assert answer.text() == "Ann and Ann"


async def test_without_rules_for_answers_they_are_not_looked_at() -> None:
    script = contents("a secret")
    answer = await stream(MASK.replace("output, tool_args", "input"), Streaming(script))
    assert answer.events == script


async def test_a_monitor_sends_first() -> None:
    notes = Notes()
    script = [b": a comment\n\n", *contents("a sec", "ret")]
    answer = await stream(STOP.replace("exception", "noop"), Streaming(script), notes=notes)
    assert answer.events == script
    (only,) = notes.judgements
    assert (only.outcome, [(span.start, span.end) for span in only.spans]) == ("noted", [(2, 8)])


async def test_a_monitor_stops_nothing() -> None:
    script = [event(b'{"choices": [{"delta": {"content": "\\ud800"}}]}'), event(b"?"), DONE]
    answer = Answer()
    model = Streaming(script)
    request = Request(Operation.CHAT, "m", b'{"messages": [{"role": "user", "content": "Hi"}]}', stream=True)
    stage = Guard(policies(guarded(f"guards:\n{MASK[:-1]}, mode: monitor}}"), Toolbox()), Notes(), Beside())
    reply = await stage(Call("req_1", request, Principal("alice"), Trace(0.0)), model)
    assert isinstance(reply, Stream)
    answer.events = [each.data async for each in reply.events]
    assert answer.events == script


async def test_what_is_held_back_of_a_broken_stream_never_leaves() -> None:
    script: list[bytes | ForebayError] = [*contents("a secre")[:2], UpstreamError("It broke.")]
    answer = await stream(MASK, Streaming(script))
    assert isinstance(answer.error, UpstreamError)
    assert "secre" not in answer.text()


async def test_what_cannot_be_read_does_not_pass() -> None:
    answer = await stream(MASK, Streaming([event(b'{"choices": [{"delta": {"content": "\\ud800"}}]}'), DONE]))
    assert isinstance(answer.error, UpstreamError)


async def test_completions_are_judged() -> None:
    script = [
        event(msgspec.json.encode({"id": "chatcmpl-1", "choices": [{"index": 0, "text": each, "finish_reason": None}]}))
        for each in ("a sec", "ret b")
    ]
    end = {"id": "chatcmpl-1", "choices": [{"index": 0, "text": "", "finish_reason": "length"}]}
    model = Streaming([*script, event(msgspec.json.encode(end)), DONE])
    answer = await stream(MASK, model, operation=Operation.COMPLETION)
    assert answer.text("text") == "a [WORD] b"
    assert answer.finish == {0: "length"}


async def test_the_time_that_content_is_held_back_is_told() -> None:
    notes = Notes()
    await stream(MASK, Streaming(contents("Hello", " world")), notes=notes)
    (seconds,) = notes.seconds
    assert 0 <= seconds < 5


async def test_whoever_leaves_early_frees_everything() -> None:
    model = Streaming(contents(*("word " * 9)))
    request = Request(Operation.CHAT, "m", b'{"messages": [{"role": "user", "content": "Hi"}]}', stream=True)
    stage = Guard(policies(guarded(f"guards:\n{MASK}"), Toolbox()), Notes(), Beside())
    reply = await stage(Call("req_1", request, Principal("alice"), Trace(0.0)), model)
    assert isinstance(reply, Stream)
    assert model.open == 1
    await reply.events.aclose()
    assert model.open == 0
