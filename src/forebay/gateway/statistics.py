"""Keeps what is known of each deployment up to date: what runs there, and how fast it has been of late.

The means forget: an observation counts the more, the longer ago the last one was, after "peak EWMA" in Finagle, so that
one figure after a quiet hour says more than the hour before.
"""

import math
import time

from forebay.core.types import Live

# How long ago an observation counts a third as much as now, in seconds.
MEMORY_SECONDS = 10.0
# What each one counts at least: of many at once the first is not the truth.
LEAST = 0.1
# A mean has 95 % of what it is the mean of below itself and about two mean deviations.
P95 = 2.0


def first_token(live: Live, seconds: float) -> None:
    """``live`` took ``seconds`` to its first content."""
    now = time.monotonic()
    mean = live.ttft
    if mean is None:
        live.ttft, live.deviation = seconds, seconds / 2
    else:
        share = _share(now - live.measured)
        live.deviation += (abs(seconds - mean) - live.deviation) * share
        live.ttft = mean + (seconds - mean) * share
    live.measured = now


def per_token(live: Live, seconds: float) -> None:
    """``live`` took ``seconds`` for a token."""
    now = time.monotonic()
    mean = live.tpot
    live.tpot = seconds if mean is None else mean + (seconds - mean) * _share(now - live.measured)
    live.measured = now


def slow(live: Live) -> float | None:
    """What one in about twenty first contents of ``live`` takes longer for, in seconds, once there are figures."""
    return None if live.ttft is None else live.ttft + P95 * live.deviation


def _share(age: float) -> float:
    return max(LEAST, 1 - math.exp(-age / MEMORY_SECONDS))
