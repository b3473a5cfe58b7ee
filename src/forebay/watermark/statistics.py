"""How likely it is that a text without the mark has so many green tokens: exactly, for short texts as for long ones."""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


def z_score(green: int, scored: int, gamma: float) -> float:
    """By how many standard deviations ``green`` of ``scored`` tokens are more than chance gives; 0 for no tokens."""
    return (green - gamma * scored) / math.sqrt(scored * gamma * (1 - gamma)) if scored else 0.0


def tails(scored: int, gamma: float) -> Doubles:
    """The chance of at least k green tokens out of ``scored``, for k from 0 to ``scored``; shape (scored + 1,)."""
    count = np.arange(scored)
    steps = np.log((scored - count) / (count + 1)) + math.log(gamma / (1 - gamma))
    logs = scored * math.log1p(-gamma) + np.concatenate(([0.0], np.cumsum(steps)))
    found: Doubles = np.minimum(np.exp(logs)[::-1].cumsum()[::-1], 1.0)
    return found


@lru_cache(64)
def kept_tails(scored: int, gamma: float) -> Doubles:
    """`tails`, for lengths that are asked for again and again; not to be changed."""
    return tails(scored, gamma)


def sum_tail(total: float, scored: int) -> float:
    """The chance that ``scored`` draws from the exponential distribution sum to ``total`` or more (Erlang)."""
    if not scored or total <= 0:
        return 1.0
    count = np.arange(1, scored)
    logs = np.concatenate(([0.0], np.cumsum(np.log(total / count)))) - total
    highest = float(logs.max())
    return min(1.0, math.exp(highest + math.log(float(np.exp(logs - highest).sum()))) if highest > -700 else 0.0)  # noqa: PLR2004


def corrected(p: float, tests: int) -> float:
    """``p`` if it is the least of so many ``tests`` (Bonferroni)."""
    return min(1.0, p * tests)
