"""Questions come from files of several forms; what is none is told with its line."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.cli.bench.dataset import read_dataset
from forebay.cli.bench.failures import BenchError
from forebay.cli.bench.target import Operation

CHAT = {"messages": [{"role": "user", "content": "Hi."}]}
SHARED = {"conversations": [{"from": "system", "value": "x"}, {"from": "human", "value": "Hi."}]}


@pytest.mark.parametrize(
    ("line", "operation", "wanted"),
    [
        ({**CHAT, "temperature": 1}, "chat", {**CHAT, "temperature": 1}),
        ({"custom_id": "1", "url": "/v1/chat/completions", "body": CHAT}, "chat", CHAT),
        ({"prompt": "Hi."}, "chat", CHAT),
        ({"prompt": "Hi."}, "completions", {"prompt": "Hi."}),
        (CHAT, "completions", {"prompt": "Hi."}),
        (CHAT, "embeddings", {"input": "Hi."}),
        ({"input": ["Hi.", "You."]}, "embeddings", {"input": ["Hi.", "You."]}),
        (SHARED, "chat", CHAT),
        ("Hi.", "chat", CHAT),
    ],
)
def test_lines_and_arrays_of_each_form(tmp_path: Path, line: Any, operation: Operation, wanted: Any) -> None:
    lines, array = tmp_path / "a.jsonl", tmp_path / "a.json"
    lines.write_text(f"\n{json.dumps(line)}\n\n{json.dumps(line)}\n")
    array.write_text(json.dumps([line, line], indent=1))
    assert read_dataset(lines, operation) == read_dataset(array, operation) == [wanted, wanted]


def test_a_plain_line_is_a_prompt(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("Hi.\nWhy is 2 < 3?\n")
    assert read_dataset(file, "completions") == [{"prompt": "Hi."}, {"prompt": "Why is 2 < 3?"}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no question"),
        ("[]", "no question"),
        ("[1, ", "JSON array"),
        ('"a"\n{"a": ', "line 2"),
        ('{"question": "a"}', "line 1.*'messages'"),
        ('[{"prompt": "a"}, 7]', "entry 2"),
        ('{"conversations": [{"from": "gpt", "value": "a"}]}', "line 1"),
    ],
)
def test_what_is_no_question_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "a"
    file.write_text(text)
    with pytest.raises(BenchError, match=told):
        read_dataset(file, "chat")


@given(st.binary(max_size=200))
def test_any_bytes_are_questions_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.mktemp("any") / "a"
    file.write_bytes(data)
    with contextlib.suppress(BenchError):
        assert all("messages" in each for each in read_dataset(file, "chat"))
