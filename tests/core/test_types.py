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


def test_a_model_does_not_grant_its_adapters_nor_they_the_model() -> None:
    one = Principal("a", models=frozenset({"m", "n:support"}))
    assert not one.may_use("m:support")
    assert one.may_use("n:support")
    assert not one.may_use("n")
    assert not one.may_use("n:other")
    assert not one.may_change_adapters("n")


def test_a_star_allows_all_adapters_of_a_model_and_to_change_them() -> None:
    principal = Principal("a", models=frozenset({"m:*", "llama3:8b:*"}))
    assert principal.may_use("m:support")
    assert principal.may_use("llama3:8b:support")
    assert not principal.may_use("llama3:8b")
    assert principal.may_change_adapters("m")
    assert not principal.may_change_adapters("other")
    assert Principal("b").may_change_adapters("other")


def test_usage_adds_up() -> None:
    assert Usage(3, 4).total_tokens == 7


def test_a_request_keeps_what_it_does_not_know() -> None:
    assert Request(Operation.CHAT, "m", b'{"model": "m", "top_k": 3}').fields()["top_k"] == 3
