"""When to ask again."""

import email.utils
import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.errors import RateLimitError, UnavailableError, UpstreamError, UpstreamTimeoutError
from forebay.gateway.retry import pause, retry_after
from forebay.settings import RetrySettings


@given(st.integers(1, 12), st.integers(0, 10), st.floats(0, 5), st.floats(0, 30), st.integers())
def test_the_pause_grows_and_is_bounded(turn: int, most: int, base: float, cap: float, seed: int) -> None:
    seconds = pause(UpstreamError("x"), turn, RetrySettings(max=most, base=base, cap=cap), Random(seed))
    if turn > most:
        assert seconds is None
    else:
        assert seconds is not None
        assert 0 <= seconds <= min(cap, base * 2 ** (turn - 1))


def test_only_what_may_help_is_repeated() -> None:
    settings = RetrySettings()
    assert pause(UpstreamError("x"), 1, settings, Random(1)) is not None
    assert pause(UpstreamTimeoutError("x"), 1, settings, Random(1)) is None
    assert pause(RateLimitError("x"), 1, settings, Random(1)) is None
    busy = RetrySettings(errors=("rate_limit_exceeded",))
    assert pause(RateLimitError("x"), 1, busy, Random(1)) is not None
    assert pause(RateLimitError("x", code="insufficient_quota"), 1, busy, Random(1)) is None


def test_what_an_upstream_asks_for_is_waited_for_or_not_repeated() -> None:
    settings = RetrySettings(base=0.5, cap=10)
    seconds = pause(UnavailableError("x", headers={"retry-after": "7"}), 1, settings, Random(1))
    assert seconds is not None
    assert 7 <= seconds <= 7.5
    assert pause(UnavailableError("x", headers={"retry-after": "11"}), 1, settings, Random(1)) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(RateLimitError("x", headers=headers)) == seconds


def test_retry_after_as_a_date() -> None:
    date = email.utils.formatdate(time.time() + 60, usegmt=True)
    found = retry_after(RateLimitError("x", headers={"retry-after": date}))
    assert found is not None
    assert 58 <= found <= 60


@given(st.text(max_size=40))
def test_any_retry_after_is_a_number_or_nothing(text: str) -> None:
    found = retry_after(RateLimitError("x", headers={"retry-after": text}))
    assert found is None or found >= 0
