"""Variables: validated by their schemas, put in once, and never looked into."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.errors import InvalidRequestError
from forebay.core.prompts import Draft, Message
from forebay.gateway.prompts.variables import MOST_RENDERED, FaultyPromptError, check, render


def draft(text: str, **variables: Any) -> Draft:
    return Draft("greet", (Message("system", text),), variables)


@given(st.text(), st.text())
def test_a_value_stands_as_it_is_whatever_is_in_it(first: str, second: str) -> None:
    found = render(draft("<{{a}}|{{ b }}|{{a}}>", a={}, b={}), {"a": first, "b": second})
    assert found == [{"role": "system", "content": f"<{first}|{second}|{first}>"}]


def test_a_value_that_looks_like_a_variable_is_none() -> None:
    assert render(draft("{{a}} {{b}}", a={}, b={}), {"a": "{{b}}", "b": "x"})[0]["content"] == "{{b}} x"


def test_what_is_no_text_is_json_and_a_part_is_its_text() -> None:
    given_values = {"a": [1, True], "b": {"type": "input_text", "text": "hi"}}
    assert render(draft("{{a}} {{b}}", a={}, b={}), given_values)[0]["content"] == "[1,true] hi"


def test_a_default_may_be_left_out() -> None:
    assert render(draft("{{a}}", a={"type": "string", "default": "x"}), {})[0]["content"] == "x"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, ["needs", "'a', 'n'"]),
        ({"a": "x", "n": 1, "z": 1, "y": 1}, ["does not know", "'y', 'z'", "a, n"]),
        ({"a": "x", "n": "secret"}, ["'n'", "integer"]),
        ({"a": "toolong", "n": 1}, ["'a'"]),
    ],
)
def test_what_does_not_fit_is_named_and_not_repeated(values: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        render(draft("{{a}} {{n}}", a={"type": "string", "maxLength": 3}, n={"type": "integer"}), values)
    assert all(each in caught.value.message for each in told), caught.value.message
    assert "secret" not in caught.value.message
    assert "toolong" not in caught.value.message
    assert (caught.value.param or "").startswith("prompt.variables.")


def test_a_small_request_cannot_become_a_huge_prompt() -> None:
    with pytest.raises(InvalidRequestError, match="too long"):
        render(draft("{{a}}" * 1000, a={}), {"a": "x" * (MOST_RENDERED // 1000 + 1)})


@pytest.mark.parametrize(
    ("faulty", "told"),
    [
        (draft("{{a}} {{b}}", a={}), "b"),
        (draft("{{a}}", a={"type": "strange"}), r"'a' is none: type: [^\n]*$"),
        (draft("{{a}}", a={"type": "integer", "default": "x"}), "default"),
        (draft("{{a}}", a={"$ref": "https://example.com/schema.json"}), "'a'"),
        (draft("x" * 300_000), "characters"),
    ],
)
def test_a_prompt_that_contradicts_itself_is_none(faulty: Draft, told: str) -> None:
    with pytest.raises(FaultyPromptError, match=told):
        check(faulty)
