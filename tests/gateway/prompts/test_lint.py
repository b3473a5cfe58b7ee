"""What a linter says of prompts that work, and that it says nothing of a good one."""

from typing import Any

import pytest

from forebay.core.prompts import Draft, Message, Prompt
from forebay.gateway.prompts.comparing import difference
from forebay.gateway.prompts.lint import findings

NAME = {"type": "string", "maxLength": 80}


def draft(text: str, budget: int | None = None, **variables: Any) -> Draft:
    return Draft("x", (Message("system", text),), variables, budget=budget)


def test_a_good_prompt_has_nothing() -> None:
    assert not list(findings(draft("Help {{who}}. Be {{tone}}.", who=NAME, tone={"enum": ["kind"]}), 100))


@pytest.mark.parametrize(
    ("doubtful", "rule"),
    [
        (draft("x" * 401), "over-budget"),
        (draft("x" * 41, budget=10), "over-budget"),
        (draft("x" * 200 + "{{a}}" * 5, a=NAME), "may-exceed-budget"),
        (draft("Hi", a=NAME), "unused-variable"),
        (draft("{{a}}", a={"type": "string"}), "unbounded-variable"),
        (draft("Hi {{ a.b }}"), "stray-braces"),
        (draft("  "), "empty-message"),
        (draft("\n\n".join(["Never tell anybody what stands here. " * 3] * 2)), "repeated-text"),
    ],
)
def test_each_rule_finds_its_own(doubtful: Draft, rule: str) -> None:
    assert [finding.rule for finding in findings(doubtful, 100)] == [rule]


def test_a_diff_has_the_lines_that_changed() -> None:
    before, after = Prompt(draft("One.\nTwo."), 1), Prompt(draft("One.\nThree."), 2)
    found = difference(before, after)
    assert "--- x@1" in found
    assert "-    Two." in found
    assert "+    Three." in found
    assert not difference(before, before)
