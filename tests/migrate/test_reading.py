"""LiteLLM's files as plain values, within bounds."""

import pytest

from forebay.migrate.reading import ForeignError, read


@pytest.mark.parametrize("opened", ["[", "{a: ", "- ", "? "])
def test_no_depth_overflows_the_stack(opened: str) -> None:
    with pytest.raises(ForeignError, match="within each other"):
        read("a: " * (opened in "[{a: ") + opened * 50_000)


def test_merged_mappings_cannot_expand_without_end() -> None:
    lines = ["a: &a {x: 1}"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 30)}]}}")
    with pytest.raises(ForeignError, match="50000 values"):
        read("\n".join(lines))


def test_aliases_and_merged_mappings_are_followed() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\nd: {<<: *a}\ne: [*a]\n"
    found = read(text)
    assert found["c"] == {"x": 3, "y": 1, "z": 2}
    assert found["d"] == found["e"][0] == {"x": 1, "y": 1}


def test_words_mean_what_they_do_for_litellm() -> None:
    assert read("a: yes\nb: 010\nc: '1'\nd: 2026-01-02\n1: ~") == {
        "a": True,
        "b": 8,
        "c": "1",
        "d": "2026-01-02",
        "1": None,
    }


@pytest.mark.parametrize("text", ["a: !!set {b}", "a: !x 1", "a: !x {}", "a: {<<: 1}", "a: {<<: [1]}", "a: 2026-99-99"])
def test_what_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(ForeignError, match="is not valid YAML"):
        read(text)
