"""Distributions beside numpy's, and intervals that hold what they promise."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.cli.bench.statistics import MOST_TURNS, Distribution, Ratio

TIMES = st.lists(st.floats(0, 1e6), min_size=1, max_size=200)


@given(TIMES)
def test_a_distribution_is_numpys(values: list[float]) -> None:
    found = Distribution.of(values, 1.0)
    assert found is not None
    assert found.count == len(values)
    wanted = [np.mean(values), *np.quantile(values, [0, 0.5, 0.9, 0.99, 1])]
    got = [found.mean, found.least, found.p50, found.p90, found.p99, found.most]
    assert got == pytest.approx([float(each) for each in wanted], rel=1e-9, abs=1e-9)
    assert found.least <= found.p50 <= found.p90 <= found.p99 <= found.most


def test_of_nothing_there_is_no_distribution() -> None:
    assert Distribution.of([]) is None


def test_seconds_become_milliseconds() -> None:
    found = Distribution.of([0.25])
    assert found is not None
    assert found.p50 == found.mean == 250


@given(st.lists(st.floats(0.1, 1000), min_size=2, max_size=MOST_TURNS), st.floats(0.01, 100))
def test_a_constant_ratio_has_no_width(first: list[float], times: float) -> None:
    found = Ratio.of(first, [each * times for each in first])
    assert found is not None
    assert (found.ratio, found.low, found.high) == pytest.approx((times, times, times), rel=1e-6)


@given(st.lists(st.tuples(st.floats(0.1, 1000), st.floats(0.1, 1000)), min_size=2, max_size=MOST_TURNS))
def test_the_other_way_round_it_is_the_inverse(pairs: list[tuple[float, float]]) -> None:
    first, second = zip(*pairs, strict=True)
    there, back = Ratio.of(first, second), Ratio.of(second, first)
    assert there is not None
    assert back is not None
    assert there.ratio * back.ratio == pytest.approx(1)
    if math.isfinite(there.high) and back.low > 0:
        assert there.high * back.low == pytest.approx(1)


def test_nothing_is_no_multiple_of_nothing() -> None:
    assert Ratio.of([1, 1], [1, 0]) is None


@pytest.mark.parametrize("turns", [2, 5, 12, MOST_TURNS])
def test_the_interval_holds_the_truth_nineteen_times_of_twenty(turns: int) -> None:
    picks = random.Random(turns)

    def once() -> bool:
        noise = [math.exp(picks.gauss(0, 0.2)) for _ in range(2 * turns)]
        found = Ratio.of(noise[:turns], [1.3 * each for each in noise[turns:]])
        assert found is not None
        return found.low <= 1.3 <= found.high

    held = sum(once() for _ in range(2000)) / 2000
    assert held == pytest.approx(0.95, abs=0.015)
