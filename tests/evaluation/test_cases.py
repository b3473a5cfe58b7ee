"""Datasets: what a line may say, and that what is wrong is told with its line."""

from pathlib import Path

import pytest

from forebay.evaluation.cases import Case, Contains, DatasetError, Exact, Similarity, read


def dataset(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cases.jsonl"
    path.write_text(text)
    return path


def test_lines_are_cases_with_their_checks_or_the_usual_ones(tmp_path: Path) -> None:
    path = dataset(
        tmp_path,
        '{"input": "2+2?", "expected": "4"}\n\n'
        '{"id": "b", "messages": [{"role": "user", "content": "Hi"}], "checks": [{"kind": "exact", "value": "Hello"}],'
        ' "rating": "down"}\n'
        '{"prompt": {"id": "support"}, "input": "Why?", "expected": "x", "checks": [{"kind": "similarity"}]}\n',
    )
    one, two, three = read(path, [Contains()])
    assert one == Case("1", (), "2+2?", None, "4", [Contains()])
    assert (two.id, two.checks) == ("b", [Exact("Hello")])
    assert three.checks == [Similarity()]
    assert three.body() == {"messages": [{"role": "user", "content": "Why?"}], "prompt": {"id": "support"}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no cases"),
        ("{", ":1: is no case"),
        ('{"input": "x"}', "needs 'expected'"),
        ('{"expected": "x"}', "asks nothing"),
        ('{"input": "x", "checks": [{"kind": "magic"}]}', "magic"),
        ('{"input": "x", "checks": [{"kind": "exact", "vaule": "x"}]}', "vaule"),
        ('{"input": "x", "checks": [{"kind": "regex", "pattern": "("}]}', ":1: the check 'regex' cannot be used"),
        ('{"input": "x", "checks": [{"kind": "json_schema", "schema": {"type": "n"}}]}', ":1: the check 'json_schema'"),
        ('{"input": "x", "checks": [{"kind": "json_schema", "schema": {"$ref": "http://x/y"}}]}', "cannot be used"),
        ('{"id": "a", "input": "x", "expected": "y"}\n' * 2, ":2: another case has the id 'a'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DatasetError) as caught:
        read(dataset(tmp_path, text), [Contains()])
    assert told in str(caught.value)


def test_a_case_needs_checks(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no 'checks'"):
        read(dataset(tmp_path, '{"input": "x"}'), [])
