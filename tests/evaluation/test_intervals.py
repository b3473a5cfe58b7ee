"""Intervals agree with published figures, and hold what they must."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.evaluation.intervals import mcnemar, paired_difference, wilson


@pytest.mark.parametrize(
    ("passed", "total", "low", "high"),
    # Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_is_as_published(passed: int, total: int, low: float, high: float) -> None:
    found = wilson(passed, total)
    assert math.isclose(found.low, low, abs_tol=5e-5)
    assert math.isclose(found.high, high, abs_tol=5e-5)


@given(st.integers(1, 1000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_an_interval_holds_its_share(counts: tuple[int, int]) -> None:
    found = wilson(*counts)
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1


@pytest.mark.parametrize(
    ("broken", "mended", "chance"), [(0, 0, 1.0), (5, 5, 1.0), (10, 0, 2 / 1024), (1, 9, 22 / 1024), (0, 1, 1.0)]
)
def test_the_exact_test_counts_coins(broken: int, mended: int, chance: float) -> None:
    assert math.isclose(mcnemar(broken, mended), chance)


def test_a_paired_difference_is_sure_only_of_what_is_clear() -> None:
    before = [1.0] * 90 + [0.0] * 10
    assert paired_difference(before, before).low == paired_difference(before, before).high == 0
    slightly = [0.0, *before[1:-1], 1.0]
    found = paired_difference(before, slightly)
    assert found.low < 0 < found.high
    much = [0.0] * 30 + before[30:]
    found = paired_difference(before, much)
    assert found.value == pytest.approx(-0.3)
    assert -0.42 < found.low < -0.3 < found.high < -0.2
