"""No digit of an amount is lost on the way in or out."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.money import PICO, dollars, per_token


@given(st.integers(0, 10**24))
def test_an_amount_is_written_exactly(amount: int) -> None:
    assert Decimal(dollars(amount)) * PICO == amount


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0"), (127_500_000, "0.0001275"), (PICO, "1"), (10 * PICO, "10"), (1, "0.000000000001")]
)
def test_an_amount_is_a_plain_number(amount: int, text: str) -> None:
    assert dollars(amount) == text


@given(st.decimals(0, 10_000, places=6))
def test_a_price_for_a_million_tokens_is_one_for_each(price: Decimal) -> None:
    each = per_token(f"{price:f}")
    assert each is not None
    assert Decimal(dollars(each * 10**6)) == price


@pytest.mark.parametrize(
    "text", ["", "-1", "1e3", "0.0000001", "10000.5", "1.", ".5", "$2", "nan", "100000000000", "٣"]
)
def test_what_is_no_price_is_none(text: str) -> None:
    assert per_token(text) is None
