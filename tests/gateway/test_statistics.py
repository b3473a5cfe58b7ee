"""Means that forget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.types import Live
from forebay.gateway import statistics
from forebay.gateway.statistics import first_token, per_token, slow


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(statistics, "time", clock)
    return clock


def test_the_first_figure_is_the_mean(clock: Clock) -> None:
    live = Live()
    assert slow(live) is None
    first_token(live, 0.4)
    per_token(live, 0.02)
    assert (live.ttft, live.tpot, live.measured) == (0.4, 0.02, clock.now)
    assert slow(live) == pytest.approx(0.8)


def test_after_a_quiet_hour_one_figure_says_it_all(clock: Clock) -> None:
    live = Live()
    first_token(live, 5.0)
    clock.now += 3600
    first_token(live, 0.1)
    assert live.ttft == pytest.approx(0.1)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_a_mean_is_between_its_figures(figures: list[float]) -> None:
    live = Live()
    for each in figures:
        first_token(live, each)
        per_token(live, each)
    assert live.ttft is not None
    assert live.tpot is not None
    assert min(figures) - 1e-9 <= live.ttft <= max(figures) + 1e-9
    assert min(figures) - 1e-9 <= live.tpot <= max(figures) + 1e-9
