"""Fields of no known shape hide nothing, however a stream cuts them."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.errors import ConflictError, ContentFilterError, ForebayError, UpstreamError
from forebay.core.stream import DONE, event, payloads
from tests.gateway.guarding.test_stream import MASK, STOP, TEXT, Answer, Streaming, contents, cut, deltas, stream
from tests.support.chunks import chunk

SHAPES: dict[str, Callable[[str], dict[str, Any]]] = {
    "audio": lambda text: {"audio": {"transcript": text}},
    "details": lambda text: {"reasoning_details": [{"type": "reasoning.text", "index": 1, "text": text}]},
    "blocks": lambda text: {"thinking_blocks": [{"type": "thinking", "thinking": text}]},
    "annotations": lambda text: {"annotations": [{"type": "url_citation", "url_citation": {"title": text}}]},
    "deep": lambda text: {"unheard_of": {"a": [[{"b": text}]]}},
    "plain": lambda text: {"unheard_of": text},
    "call": lambda text: {"tool_calls": [{"index": 0, "extra_content": {"note": text}}]},
}


def said(answer: Answer) -> str:
    """All strings of the answer's deltas, in their order."""
    bodies = [json.loads(each) for data in answer.events for each in payloads(data) if each != b"[DONE]"]
    return "".join(_strings([choice.get("delta") for body in bodies for choice in body["choices"]]))


def _strings(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(_strings(each) for key, each in value.items() if key not in {"role", "type"})
    return "".join(map(_strings, value)) if isinstance(value, list) else value if isinstance(value, str) else ""


@settings(max_examples=60, deadline=None)
@given(st.integers(0, (1 << len(TEXT)) - 1), st.sampled_from(sorted(SHAPES)), st.sampled_from([MASK, STOP]))
def test_a_word_in_any_field_cut_anywhere(number: int, shape: str, rules: str) -> None:
    answer = asyncio.run(stream(rules, Streaming(deltas(*map(SHAPES[shape], cut(TEXT, number))))))
    if rules is STOP:
        assert isinstance(answer.error, ContentFilterError)
        assert "a ".startswith(said(answer))
    else:
        assert said(answer) == TEXT.replace("secret", "[WORD]")
        assert answer.done


async def test_a_word_with_something_between_its_parts_is_found() -> None:
    script = deltas({"content": "a sec"}, {"reasoning": "hm"}, {"content": "ret"}, {"content": " b"})
    answer = await stream(STOP, Streaming(script))
    assert isinstance(answer.error, ContentFilterError)
    assert (await stream(MASK, Streaming(script))).text() == "a sec[WORD] b"


async def test_what_came_whole_each_time_stays_so() -> None:
    notes = [{"annotations": [{"type": "url_citation", "title": title}]} for title in ("a secret", "b", "b")]
    answer = await stream(MASK, Streaming(deltas(*notes)))
    bodies = [json.loads(each) for data in answer.events for each in payloads(data) if each != b"[DONE]"]
    told = [
        each["delta"]["annotations"][0]["title"]
        for body in bodies
        for each in body["choices"]
        if "annotations" in each["delta"]
    ]
    assert told == ["a [WORD]", "b", "b"]


@pytest.mark.parametrize("key", ["id", "name"])
async def test_names_do_not_come_in_pieces(key: str) -> None:
    def call(piece: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, "id": piece} if key == "id" else {"index": 0, "function": {"name": piece}}]}

    answer = await stream(MASK, Streaming(deltas(call("sec"), call("ret"))))
    assert said(answer) == "sec"
    assert "secret" not in said(await stream(MASK, Streaming(deltas(call("a secret")))))


@pytest.mark.parametrize(
    "fields",
    [
        {"note": "secret"},
        {"id": "a secret"},
        {"citations": ["secret"]},
        {"usage": {"total_tokens": 1, "note": "secret"}},
        {"choices": [], "note": "secret"},
        {"choices": [], "usage": {"total_tokens": 1, "note": {"a": "secret"}}},
        {"choices": [{"index": 0, "delta": {"content": "x"}, "note": "secret", "finish_reason": "a secret"}]},
    ],
)
async def test_nothing_stands_beside_the_choices(fields: dict[str, Any]) -> None:
    said = {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": "x"}}], **fields}
    script = contents("a")
    answer = await stream(MASK, Streaming([script[0], event(json.dumps(said).encode()), *script[1:]]))
    assert answer.done
    assert b"secret" not in b"".join(answer.events)


async def test_an_error_s_words_are_not_passed_on() -> None:
    broken = event(b'{"error": {"message": "a secret", "type": "server_error"}}')
    answer = await stream(MASK, Streaming([*contents("harmless words")[:2], broken, DONE]))
    assert isinstance(answer.error, UpstreamError)
    assert "secret" not in answer.error.message
    assert not answer.done


async def test_nor_are_those_of_a_failure() -> None:
    scripts: list[list[bytes | ForebayError]] = [
        [ConflictError("a secret")],
        [*contents("harmless words")[:2], ConflictError("x", param="a secret")],
    ]
    for script in scripts:
        answer = await stream(MASK, Streaming(script))
        assert isinstance(answer.error, ConflictError)
        assert "secret" not in f"{answer.error} {answer.error.body()!r}"
    plain = await stream(MASK, Streaming([ConflictError("x")]))
    assert plain.error is not None
    assert plain.error.message == "x"


async def test_what_waits_is_bounded() -> None:
    pieces = [chunk({f"field_{chr(97 + number % 26)}": {"text": "x" * 1_000_000}}) for number in range(18)]
    answer = await stream(MASK, Streaming([*pieces, DONE]))
    assert isinstance(answer.error, UpstreamError)
    many = {"tool_calls": [{"index": number, "function": {"arguments": "{}"}} for number in range(2000)]}
    assert isinstance((await stream(MASK, Streaming(deltas(many)))).error, UpstreamError)
