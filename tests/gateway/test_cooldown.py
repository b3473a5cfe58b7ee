"""The life of a deployment that fails."""

import pytest

from forebay.core.errors import ForebayError, RateLimitError, UpstreamError
from forebay.core.types import Live
from forebay.gateway import cooldown
from forebay.gateway.cooldown import failed, judged, recovers_in, succeeded, trouble, undecided, why_out
from forebay.settings import CoolDownSettings
from tests.gateway.test_statistics import Clock

SETTINGS = CoolDownSettings(failures=3, window=30, duration=10, longest=60)
BAD = UpstreamError("x")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(cooldown, "time", clock)
    return clock


def fail(live: Live, error: ForebayError = BAD, *, probe: bool = False) -> bool:
    return failed(live, error, SETTINGS, probe=probe)


def cooling() -> Live:
    live = Live()
    assert [fail(live) for _ in range(3)] == [False, False, True]
    return live


def test_so_many_failures_in_a_row_cool_it_down(clock: Clock) -> None:
    live = cooling()
    assert live.out
    assert why_out(live) == trouble(live) == "cooling down for 10.0 s"
    assert recovers_in(live) == 10
    clock.now += 10
    assert why_out(live) == ""
    assert live.cooldowns == 1


def test_a_success_in_between_forgives(clock: Clock) -> None:
    live = Live()
    for _ in range(5):
        fail(live)
        fail(live)
        succeeded(live, probe=False)
    assert not live.out
    assert clock.now


def test_old_failures_do_not_count(clock: Clock) -> None:
    live = Live()
    for _ in range(5):
        fail(live)
        clock.now += 20
    assert not live.out


def test_half_open_it_is_tried_by_one_until_one_succeeds(clock: Clock) -> None:
    live = cooling()
    clock.now += 10
    live.probing = True
    assert why_out(live) == "another request is trying it"
    assert fail(live, probe=True)
    assert why_out(live) == trouble(live) == "cooling down for 10.0 s"
    clock.now += 10
    live.probing = True
    undecided(live)
    assert why_out(live) == ""
    live.probing = True
    succeeded(live, probe=True)
    assert not live.out
    assert live.cooldowns == 2
    assert not fail(live)


def test_answers_that_were_under_way_decide_nothing(clock: Clock) -> None:
    live = cooling()
    succeeded(live, probe=False)
    assert live.out
    assert not fail(live)
    clock.now += 10
    live.probing = True
    fail(live)
    assert live.probing
    assert live.cooldowns == 1


def test_a_429_is_left_alone_for_as_long_as_it_says(clock: Clock) -> None:
    live = Live()
    assert fail(live, RateLimitError("x", headers={"retry-after": "25"}))
    assert recovers_in(live) == 25
    assert not fail(live, RateLimitError("x", headers={"retry-after": "1000"}))
    assert recovers_in(live) == 60
    clock.now += 60
    assert why_out(live) == ""


def test_health_and_cool_down_are_two_things(clock: Clock) -> None:
    live = Live()
    judged(live, "no answer")
    assert why_out(live) == "unhealthy: no answer"
    judged(live, "")
    assert not live.out
    live = cooling()
    judged(live, "no answer")
    judged(live, "")
    assert why_out(live) == trouble(live) == "cooling down for 10.0 s"
    clock.now += 10
    live.probing = True
    judged(live, "no answer")
    succeeded(live, probe=True)
    assert why_out(live) == "unhealthy: no answer"


def test_cooling_down_can_be_off() -> None:
    live = Live()
    assert not any(failed(live, BAD, CoolDownSettings(failures=0), probe=False) for _ in range(9))
