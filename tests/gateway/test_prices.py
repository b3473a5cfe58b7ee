"""A price is what the configuration says, or the vendor's list; and unknown otherwise."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.types import Deployment, Price, Trace, Usage
from forebay.gateway.prices import FREE, Prices, blended, cost, price_list
from forebay.settings import PerToken, PriceSettings

TOLD = PriceSettings(PerToken(3), PerToken(7))
LISTED = Prices({}, {"mine": "openai", "claude": "anthropic"})
PRICE = Price(3, 7, 3, 3, 3)


def test_the_list_has_a_date_and_every_row_is_a_price_with_a_source() -> None:
    listed = price_list()
    assert date.fromisoformat(listed.date) <= date(2100, 1, 1)
    for rows in listed.vendors.values():
        for name, row in rows.items():
            price = row.price()
            assert 0 < price.cached_input <= price.input <= price.output, name
            assert price.cached_input <= price.cache_write <= price.long_cache_write
            assert row.source.startswith("https://")


def test_what_the_vendor_lists_holds_under_any_name_of_the_provider() -> None:
    assert LISTED.of("mine", "gpt-4o-mini") == Price(150_000, 600_000, 75_000, 150_000, 150_000)
    assert LISTED.of("claude", "claude-haiku-4-5") == Price(1_000_000, 5_000_000, 100_000, 1_250_000, 2_000_000)
    assert LISTED.of("openai", "gpt-4o-mini") is None


@pytest.mark.parametrize(
    ("provider", "model"), [("mine", "gpt-4o-mini-2024-07-18"), ("claude", "claude-haiku-4-5-20251001")]
)
def test_a_dated_variant_is_the_same_model_where_the_list_says_so(provider: str, model: str) -> None:
    assert LISTED.of(provider, model) is not None


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o-2024-05-13",
        "gpt-4o-mini-audio-preview",
        "gpt-4o-mini-2024-07-18-x",
        "gpt-4o-mini-20240",
        "-2024-07-18",
        "",
    ],
)
def test_what_is_not_in_the_list_is_unknown(model: str) -> None:
    assert LISTED.of("mine", model) is None


def test_the_configuration_goes_before_the_list_and_one_model_before_all() -> None:
    free = PriceSettings(PerToken(0), PerToken(0))
    prices = Prices({"mine/gpt-4o": TOLD, "mine/*": free}, {"mine": "openai"})
    assert prices.of("mine", "gpt-4o") == PRICE
    assert prices.of("mine", "gpt-4o-mini") == Price(0, 0, 0, 0, 0)
    assert prices.of("other", "gpt-4o") is None


def test_what_is_ones_own_is_free_unless_the_configuration_says_otherwise() -> None:
    prices = Prices({"engine/dear": TOLD}, {"engine": "", "mine": "openai"}, frozenset({"engine"}))
    assert prices.of("engine", "m") == FREE
    assert prices.of("engine", "dear") == PRICE
    assert prices.of("other", "m") is None


def test_what_is_free_costs_nothing_before_it_has_told_its_tokens() -> None:
    assert cost(Trace(0.0, "engine/m", price=FREE), 5) == 0
    assert cost(Trace(0.0, "engine/m", price=FREE, lost_cost=7), 5) == 7
    assert cost(Trace(0.0, "engine/m", price=FREE, lost_cost=None), 5) is None


@given(
    st.none() | st.just(PRICE),
    st.none() | st.builds(Usage, st.integers(0, 9), st.integers(0, 9)),
    st.none() | st.integers(0, 9),
)
def test_a_cost_is_known_only_if_all_of_it_is(price: Price | None, usage: Usage | None, lost: int | None) -> None:
    trace = Trace(0.0, "p/x", usage=usage, price=price, lost_cost=lost)
    found = cost(trace, 5)
    if price is None or usage is None or lost is None:
        assert found is None
    else:
        assert found == usage.prompt_tokens * 3 + 5 * 7 + lost


def test_who_was_never_asked_took_nothing() -> None:
    assert cost(Trace(0.0), 0) == 0


def test_deployments_are_compared_by_a_mix_of_tokens() -> None:
    assert blended(Deployment("p/x", "p", "x", price=PRICE)) == 4.0
    assert blended(Deployment("p/x", "p", "x")) is None
