"""LiteLLM's guardrails on their way to Forebay's guards."""

from typing import Any

import pytest

from tests.migrate.test_litellm import carried, new, paths


def guarded(name: str = "mine", **params: Any) -> Any:
    return carried({"guardrails": [{"guardrail_name": name, "litellm_params": params}]})


def test_presidio_masks_and_refuses() -> None:
    entities = {"CREDIT_CARD": "MASK", "EMAIL_ADDRESS": "BLOCK"}
    found = guarded(guardrail="presidio", mode="pre_call", default_on=True, pii_entities_config=entities)
    common = {"kind": "presidio", "on": ["input", "tool_results"], "masks": "permanent"}
    assert new(found)["guards"] == {
        "mine": {**common, "entities": ["CREDIT_CARD"]},
        "mine_block": {**common, "entities": ["EMAIL_ADDRESS"], "on_fail": "exception"},
    }
    assert paths(found) == []


def test_presidio_without_entities_has_the_usual_ones_and_says_so() -> None:
    found = guarded(guardrail="presidio", mode=["pre_call", "post_call"], default_on=True, output_parse_pii=True)
    guard = new(found)["guards"]["mine"]
    assert guard["on"] == ["input", "tool_results", "output", "tool_args"]
    assert "PERSON" in guard["entities"]
    assert "masks" not in guard
    assert paths(found) == ["guardrails[0].litellm_params.pii_entities_config"]


def test_secrets_are_found_by_our_own_guard_which_holds_everywhere() -> None:
    found = guarded(guardrail="hide-secrets", mode="pre_call")
    assert new(found)["guards"] == {"mine": {"kind": "secrets", "on": ["input", "tool_results"]}}
    assert paths(found) == ["guardrails[0].litellm_params.default_on"]


@pytest.mark.parametrize("kind", ["aporia", "guardrails_ai", "lakera_v2", "bedrock", "unheard of", ""])
def test_what_has_no_equal_is_told_and_nothing_of_it_is_in_the_file(kind: str) -> None:
    found = guarded(guardrail=kind, mode="post_call", api_key="sk-hunter-8-hunter", api_base="https://x")
    assert not new(found)
    assert paths(found) == ["guardrails[0]"]
    assert "docs/validators.md" in found.notes[0].remedy
    assert "hunter" not in found.text


def test_a_mode_without_a_place_is_told() -> None:
    found = guarded(guardrail="hide-secrets", mode="logging_only", default_on=True)
    assert not new(found)
    assert paths(found) == ["guardrails[0].litellm_params.mode"]


def test_names_are_free_and_the_older_form_is_told() -> None:
    listed = {"guardrail_name": "a b", "litellm_params": {"guardrail": "hide-secrets", "mode": "pre_call"}}
    found = carried({"guardrails": [listed, listed], "litellm_settings": {"guardrails": [{"prompt_injection": {}}]}})
    assert list(new(found)["guards"]) == ["secrets", "secrets_2"]
    assert "litellm_settings.guardrails[0]" in paths(found)
