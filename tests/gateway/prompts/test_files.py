"""Prompts in files: YAML and Markdown say the same, and what is wrong in one is told with its name."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.prompts import Draft, Label, Message
from forebay.gateway.prompts.comparing import written
from forebay.gateway.prompts.files import collected, read_file, read_folder
from forebay.gateway.prompts.variables import FaultyPromptError

MARKDOWN = """---
model: smollm2
variables:
  customer: {type: string, maxLength: 80}
labels: {production: 90}
messages:
  - {role: user, content: "I am {{customer}}."}
---
You are kind.

Be short.
"""


def test_a_markdown_file_is_the_systems_message_with_front_matter(tmp_path: Path) -> None:
    path = tmp_path / "support.md"
    path.write_text(MARKDOWN)
    found = read_file(path)
    draft = found.prompt.draft
    assert (found.prompt.name, draft.model, found.labels) == ("support@1", "smollm2", {"production": 90.0})
    assert draft.messages == (
        Message("system", "You are kind.\n\nBe short."),
        Message("user", "I am {{customer}}."),
    )


def test_a_folder_has_versions_that_share_a_label(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("What is here.")
    (tmp_path / "support.v1.md").write_text(MARKDOWN.replace("---\nmodel", "---\nid: support\nmodel", 1))
    second = "id: support\nversion: 2\nlabels: {production: 10, next: 1}\nmessages: [{role: system, content: Hi}]\n"
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "support.v2.yaml").write_text(second)
    found = collected(read_folder(tmp_path))
    assert sorted(each.name for each in found.prompts) == ["support@1", "support@2"]
    assert Label("", "support", "production", {1: 90.0, 2: 10.0}) in found.labels


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.yaml", "messages: []\n", "messages"),
        ("a.yaml", "messages: [{role: system, content: Hi}]\nmodle: x\n", "modle"),
        ("a.yaml", "messages: [{role: robot, content: Hi}]\n", "robot"),
        ("a.yaml", "a: [\n", "line 2"),
        ("a.yaml", "- 1\n", "mapping"),
        ("a.yaml", "a: &x [1]\nb: *x\n", "aliases"),
        ("a.yaml", "messages: [{role: system, content: Hi}]\nversion: 0\n", "version"),
        ("a.md", "Just a text.\n", "front matter"),
        ("a.md", "---\nmodel: x\n", "no end"),
        ("a.md", "---\nmodel: x\n---\n{{name}}\n", "name"),
        ("a b.md", "---\nmodel: x\n---\nHi\n", "id"),
    ],
)
def test_what_is_wrong_is_told_with_the_files_name(tmp_path: Path, name: str, text: str, told: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(FaultyPromptError) as caught:
        read_folder(tmp_path)
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)


def test_one_version_is_one_file(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("---\nid: same\n---\nHi\n")
    with pytest.raises(FaultyPromptError, match="version 1 of this prompt already"):
        read_folder(tmp_path)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_prompt_or_an_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.md"
    path.write_bytes(b"---\n" + data)
    with contextlib.suppress(FaultyPromptError):
        assert read_file(path).prompt.draft.messages


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1))
def test_what_is_written_can_be_read(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    draft = Draft("x", (Message("user", text.replace("{", "") + "\nsecond line"),), {}, "m", {"temperature": 0.5})
    path = tmp_path_factory.getbasetemp() / "written.yaml"
    path.write_text(written(draft), encoding="utf-8")
    assert read_file(path).prompt.draft == draft
