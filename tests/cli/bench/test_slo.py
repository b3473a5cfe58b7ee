"""Objectives are read, and requests judged by them."""

import pytest

from forebay.cli.bench.failures import Failure
from forebay.cli.bench.samples import Sample
from forebay.cli.bench.slo import Slo

SAMPLE = Sample(10.0, 10.1, last=12.0, first=11.0, output=11, gaps=(1.0,))


def test_times_have_units() -> None:
    assert Slo.parse("ttft=500ms, tpot=50us,latency=2.5s").limits == pytest.approx(
        {"ttft": 0.5, "tpot": 50e-6, "latency": 2.5}
    )


@pytest.mark.parametrize("text", ["", "ttft", "ttft=5", "ttft=-5ms", "itl=5ms", "ttft=5ms;tpot=1ms", "ttft=5ms,"])
def test_what_is_no_objective_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ttft=500ms"):
        Slo.parse(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ttft=1s", True),
        ("ttft=999ms", False),
        ("tpot=100ms", True),
        ("tpot=99ms", False),
        ("latency=2s", True),
        ("ttft=2s,latency=1999ms", False),
    ],
)
def test_times_count_from_when_a_request_was_due(text: str, kept: bool) -> None:  # noqa: FBT001  # pytest's
    assert Slo.parse(text).kept(SAMPLE) is kept


def test_a_failed_request_keeps_nothing() -> None:
    assert not Slo.parse("ttft=9s").kept(Sample(0, 0, 0, failure=Failure("cut off", "")))


def test_a_single_token_has_no_time_per_token() -> None:
    assert Slo.parse("tpot=1us").kept(Sample(0, 0, 1, first=1, output=1))


def test_what_came_in_one_piece_has_no_time_per_token() -> None:
    assert Sample(0, 0, 1, first=1, output=9).tpot is None
