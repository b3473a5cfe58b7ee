"""The nouns that compute something."""

from hypothesis import given
from hypothesis import strategies as st

from forebay.core.types import Operation, Price, Principal, Request, Usage


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


counts = st.integers(0, 10**9)
prices = st.builds(Price, *[st.integers(0, 10**10)] * 5)


@given(prices, st.builds(Usage, counts, counts, counts, counts, counts, counts))
def test_every_token_is_billed_once(price: Price, usage: Usage) -> None:
    whole = Price(price.input, price.output, price.input, price.input, price.input)
    assert whole.cost(usage, 7) == usage.prompt_tokens * price.input + 7 * price.output
    assert price.cost(Usage(reasoning_tokens=usage.reasoning_tokens), 0) == 0


@given(prices, st.lists(st.tuples(counts, counts, counts), max_size=5))
def test_costs_add_up_exactly(price: Price, parts: list[tuple[int, int, int]]) -> None:
    usages = [Usage(fresh + cached, completion, cached) for fresh, cached, completion in parts]
    total = Usage(*(sum(getattr(each, name) for each in usages) for name in Usage.__struct_fields__))
    assert sum(price.cost(each, each.completion_tokens) for each in usages) == price.cost(
        total, total.completion_tokens
    )


def test_each_kind_of_token_has_its_own_price() -> None:
    price = Price(input=1, output=100_000, cached_input=10, cache_write=100, long_cache_write=10_000)
    usage = Usage(10, 9, cached_tokens=2, cache_write_tokens=5, reasoning_tokens=4, long_cache_write_tokens=3)
    assert price.cost(usage, 9) == 3 * 1 + 2 * 10 + 2 * 100 + 3 * 10_000 + 9 * 100_000
