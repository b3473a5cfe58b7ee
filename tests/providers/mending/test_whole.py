"""Whole replies of sloppy servers, as strict clients want them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.errors import UpstreamError
from forebay.providers.dialects.answer import FinishReasons
from forebay.providers.mending.fields import REASONS
from forebay.providers.mending.whole import mended
from tests.support.schemas import check

Body = dict[str, Any]


def whole(message: Body, **more: object) -> Body:
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {"id": "c1", "object": "chat.completion", "created": 7, "model": "m", "choices": [choice], **more}


def through(body: Body) -> Body:
    found: Body = json.loads(mended(json.dumps(body).encode(), "asked", FinishReasons(REASONS)))
    check("CreateChatCompletionResponse", found)
    return found


def test_an_exact_reply_is_the_same_bytes() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "prompt_tokens_details": {}}
    body = json.dumps(whole({"role": "assistant", "content": "Hi", "refusal": None}, usage=usage, x=1)).encode()
    assert mended(body, "asked", FinishReasons(REASONS)) is body


def test_what_is_left_out_is_added_and_what_is_unknown_kept() -> None:
    sloppy = {
        "choices": [{"message": {"content": "Hi", "reasoning_content": "r"}, "finish_reason": "eos_token"}],
        "x": 1,
    }
    found = through(sloppy)
    choice = found["choices"][0]
    assert choice == {
        "index": 0,
        "message": {"role": "assistant", "content": "Hi", "refusal": None, "reasoning_content": "r"},
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert found["model"] == "asked"
    assert found["x"] == 1
    assert found["id"].startswith("chatcmpl-")


def test_tool_calls_end_as_such_with_ids_of_their_own() -> None:
    made = {"id": "0", "function": {"name": "add", "arguments": {"a": 1}}}
    twice = {"id": "call_x", "type": "function", "function": {"name": "add", "arguments": None}}
    choice = through(whole({"role": "assistant", "content": None, "tool_calls": [made, twice, twice]}))["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    calls = choice["message"]["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == ['{"a":1}', "", ""]
    assert calls[1]["id"] == "call_x"
    assert len({call["id"] for call in calls}) == 3
    assert "0" not in {call["id"] for call in calls}


def test_nulls_that_openai_never_sends_are_left_out() -> None:
    nulls: Body = {"role": "assistant", "content": "", "tool_calls": None, "function_call": None, "annotations": None}
    usage = {"prompt_tokens": 2.0, "completion_tokens": 3, "prompt_tokens_details": None, "queue_time": 0.5}
    found = through(whole(nulls, usage=usage, system_fingerprint=None))
    assert found["choices"][0]["message"] == {"role": "assistant", "content": "", "refusal": None}
    assert found["usage"] == {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5, "queue_time": 0.5}
    assert "usage" not in through(whole(nulls, usage=None))


@given(
    st.dictionaries(st.sampled_from(["role", "refusal", "tool_calls", "function_call", "annotations"]), st.none()),
    st.sampled_from([None, "", "stop", "length", "end_turn", "who knows"]),
    st.sets(st.sampled_from(["id", "object", "created", "model"])),
)
def test_any_mixture_comes_out_strict(message: Body, finish: str | None, left_out: set[str]) -> None:
    body = whole({**message, "content": "Hi"})
    body["choices"][0]["finish_reason"] = finish
    assert through({name: value for name, value in body.items() if name not in left_out})


def test_a_failed_answer_is_no_answer() -> None:
    body = whole({"content": "Hi"})
    body["choices"][0]["finish_reason"] = "error"
    with pytest.raises(UpstreamError, match="'error'"):
        through(body)
    with pytest.raises(UpstreamError, match="deep"):
        mended(b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "m", FinishReasons(REASONS))
