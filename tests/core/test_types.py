"""The nouns that compute something."""

from forebay.core.types import Operation, Principal, Request, Usage


def test_a_principal_without_a_list_may_use_everything() -> None:
    assert Principal("a").may_use("anything")
    assert Principal("a", models=frozenset({"x"})).may_use("x")
    assert not Principal("a", models=frozenset({"x"})).may_use("y")


def test_a_prefix_allows_every_model_behind_it() -> None:
    principal = Principal("a", models=frozenset({"openai/*"}))
    assert principal.may_use("openai/gpt-4o")
    assert principal.may_use("openai/*")
    assert not principal.may_use("openai")
    assert not principal.may_use("other/gpt-4o")


def test_usage_adds_up() -> None:
    assert Usage(3, 4).total_tokens == 7


def test_a_request_keeps_what_it_does_not_know() -> None:
    assert Request(Operation.CHAT, "m", b'{"model": "m", "top_k": 3}').fields()["top_k"] == 3
