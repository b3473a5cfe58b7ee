"""Counting times in buckets, and reading percentiles off them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.series import BOUNDS, BUCKETS, MEASURES, PER_DECADE, SeriesQuery, bucket, measured, percentile, timed
from tests.support.records import record

WIDTH = 10 ** (1 / PER_DECADE)
TIMES = st.lists(st.floats(BOUNDS[0], BOUNDS[-1]), min_size=1, max_size=50)


def counted(times: list[float]) -> list[int]:
    counts = [0] * BUCKETS
    for each in times:
        counts[bucket(each)] += 1
    return counts


@given(times=TIMES, share=st.floats(0.01, 1))
def test_a_percentile_is_wrong_by_less_than_a_bucket(times: list[float], share: float) -> None:
    exact = sorted(times)[max(0, math.ceil(share * len(times)) - 1)]
    found = percentile(counted(times), share)
    assert found is not None
    assert exact / WIDTH * 0.999 <= found <= exact * WIDTH * 1.001


@given(times=TIMES, share=st.floats(0.01, 1))
def test_a_percentile_is_never_above_the_largest_where_that_is_known(times: list[float], share: float) -> None:
    found = percentile(counted(times), share, max(times))
    unbounded = percentile(counted(times), share)
    assert found is not None
    assert unbounded is not None
    assert found == min(max(times), unbounded)
    assert unbounded <= BOUNDS[bucket(max(times))]


@given(one=TIMES, other=TIMES, share=st.floats(0.01, 1))
def test_together_they_are_between_each(one: list[float], other: list[float], share: float) -> None:
    low, high = sorted(percentile(counted(each), share) or 0 for each in (one, other))
    both = percentile([a + b for a, b in zip(counted(one), counted(other), strict=True)], share) or 0
    assert low / WIDTH <= both <= high * WIDTH


def test_nothing_has_no_percentile_and_what_is_endless_the_last_bound() -> None:
    assert percentile([0] * BUCKETS, 0.5) is None
    assert percentile(counted([math.inf]), 0.5) == BOUNDS[-1]
    assert bucket(0.0) == 0


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, {"requests": 1, "prompt_tokens": 7, "completion_tokens": 5, "cost": 120}),
        ({"outcome": "broken"}, {"requests": 1, "errors": 1}),
        ({"outcome": "error", "cost": None}, {"errors": 1, "unpriced": 0, "cost": 0}),
        ({"outcome": "aborted", "cost": None}, {"aborted": 1, "errors": 0, "unpriced": 1}),
        ({"cache": "semantic-hit"}, {"cache_hits": 1, "cache_misses": 0, "saved_tokens": 5}),
        ({"cache": "miss"}, {"cache_hits": 0, "cache_misses": 1, "saved_tokens": 0}),
        ({"cache": "bypass"}, {"cache_hits": 0, "cache_misses": 0}),
    ],
)
def test_what_a_request_adds(fields: dict[str, object], told: dict[str, int]) -> None:
    found = dict(zip(MEASURES, measured(record(1, **fields)), strict=True))
    assert {name: found[name] for name in told} == told


def test_only_times_that_it_has_are_counted() -> None:
    assert timed(record(1, ttft=None, tpot=math.nan, latency=1.0)) == {"latency": bucket(1.0)}


@pytest.mark.parametrize(("step", "level"), [(60, 60), (1800, 60), (3600, 3600), (7200, 3600)])
def test_whole_hours_are_read_from_cells_of_hours(step: int, level: int) -> None:
    assert SeriesQuery(0, 7200, step).level == level
