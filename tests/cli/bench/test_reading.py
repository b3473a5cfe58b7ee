"""Streams are read piece by piece; whatever is in them, they are samples or failures."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.cli.bench.failures import FailedError
from forebay.cli.bench.reading import Marks

NAMES = ("choices", "delta", "content", "text", "usage", "completion_tokens", "error", "finish_reason")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(NAMES),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


def taken(*events: Any) -> Marks:
    """Marks of ``events``, one a second."""
    marks = Marks()
    for second, event in enumerate(events):
        marks.take(event if isinstance(event, bytes) else json.dumps(event).encode(), float(second))
    return marks


def said(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"delta": delta}]}


END = {"choices": [{"delta": {}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    "content",
    [
        said(content="a"),
        said(reasoning_content="a"),
        said(reasoning="a"),
        said(tool_calls=[{"index": 0, "function": {"arguments": "{"}}]),
        {"choices": [{"text": "a"}]},
    ],
)
def test_the_first_token_is_the_first_content(content: dict[str, Any]) -> None:
    sample = taken(said(role="assistant", content=""), content, said(content=""), content, END).sample(0.0, 0.0)
    assert (sample.first, sample.last, list(sample.gaps)) == (1.0, 3.0, [2.0])
    assert (sample.output, sample.counted) == (2, "chunks")


def test_the_servers_count_is_believed() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 9}}
    sample = taken(said(content="a"), said(content="b c d"), END, usage, b"[DONE]").sample(-1.0, 0.0)
    assert (sample.input, sample.output, sample.counted) == (7, 9, "usage")
    assert (sample.ttft, sample.tpot, sample.latency) == (1.0, 1 / 8, 2.0)


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        ([said(content="a")], "cut off"),
        ([said(role="assistant"), END], "empty"),
        ([b"[DONE]"], "empty"),
    ],
)
def test_a_stream_without_content_or_end_is_a_failure(events: list[Any], kind: str) -> None:
    with pytest.raises(FailedError) as raised:
        taken(*events).sample(0.0, 0.0)
    assert raised.value.failure.kind == kind


@given(st.lists(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()), max_size=5))
def test_any_stream_is_a_sample_or_a_failure(events: list[bytes]) -> None:
    try:
        sample = taken(*events).sample(0.0, 0.0)
    except FailedError as error:
        assert error.failure.kind in {"cut off", "empty", "no completion", "error in the reply"}  # noqa: PT017  # or none
    else:
        assert sample.first is not None
        assert sample.latency >= sample.first
