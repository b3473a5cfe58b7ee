"""When a child is started again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.providers.child.restarts import Restarts, RestartSettings

SETTINGS = RestartSettings(max=5, within=600, pause=1, longest_pause=60, stable=120)


def test_pauses_grow_until_it_is_given_up() -> None:
    restarts = Restarts(SETTINGS, chance=lambda: 1.0)
    assert [restarts.pause(now, 0) for now in range(6)] == [1, 2, 4, 8, 16, None]
    assert restarts.total == 5


def test_restarts_that_are_long_ago_do_not_count() -> None:
    restarts = Restarts(SETTINGS, chance=lambda: 1.0)
    for now in range(5):
        restarts.pause(now, 0)
    assert restarts.pause(599, 0) is None
    assert restarts.pause(600, 0) is not None


def test_a_stable_run_forgets_the_pauses_but_not_the_number() -> None:
    restarts = Restarts(SETTINGS, chance=lambda: 1.0)
    assert [restarts.pause(now, 0) for now in (0, 1)] == [1, 2]
    assert restarts.pause(130, 121) == 1


def test_none_at_all() -> None:
    assert Restarts(RestartSettings(max=0)).pause(0, 1000) is None


@given(
    st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 500)), max_size=60),
    st.floats(0, 1),
    st.integers(0, 10),
    st.floats(0.1, 100),
)
def test_never_more_than_allowed_in_any_time(
    ends: list[tuple[float, float]], chance: float, most: int, within: float
) -> None:
    settings = RestartSettings(max=most, within=within)
    restarts = Restarts(settings, chance=lambda: chance)
    now, at = 0.0, []
    for later, ran in ends:
        now += later
        pause = restarts.pause(now, ran)
        if pause is not None:
            assert settings.pause / 2 <= pause <= settings.longest_pause
            at.append(now)
    for moment in at:
        assert sum(moment - within < each <= moment for each in at) <= most


def test_a_first_pause_above_the_longest_is_refused() -> None:
    with pytest.raises(ValueError, match="'pause' is 2, more than 'longest_pause', which is 1"):
        RestartSettings(pause=2.0, longest_pause=1.0)
