"""How many engine replicas are wanted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from forebay.rayserve.scaling import KV_USE, Config, EnginePolicy


class Told(Struct):
    """What Serve was told."""

    target: float

    def get_target_ongoing_requests(self) -> float:
        return self.target


class Situation(Struct):
    """As much of Ray's context as a policy looks at."""

    config: Config
    current_num_replicas: int
    target_num_replicas: int
    total_num_requests: float
    aggregated_metrics: dict[str, dict[str, float]] | None


def _wanted(requests: float, used: list[float], *, running: int = 2, kv_use: float = 0.8) -> float:
    figures = {KV_USE: {str(number): each for number, each in enumerate(used)}}
    return EnginePolicy(kv_use)(Situation(Told(8.0), running, running, requests, figures))[0]


@pytest.mark.parametrize(
    ("requests", "used", "wanted"),
    [(16, [0.1, 0.1], 2.0), (24, [0.1, 0.1], 3.0), (1, [0.8, 0.8], 2.0), (1, [1.0, 1.0], 2.5), (0, [], 0.0)],
)
def test_larger_wish_counts(requests: float, used: list[float], wanted: float) -> None:
    assert _wanted(requests, used) == pytest.approx(wanted)


def test_none_running_yet_is_no_reason_for_fewer() -> None:
    assert EnginePolicy(0.8)(Situation(Told(8.0), 0, 3, 0.0, None)) == (3, {})


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.lists(st.floats(0, 1), max_size=8))
def test_more_load_never_wants_fewer(one: float, other: float, used: list[float]) -> None:
    low, high = sorted((one, other))
    assert _wanted(low, used) <= _wanted(high, used)
