"""How sure a share is, and the difference of two shares that were measured on the same cases."""

import math
from collections.abc import Sequence
from random import Random
from typing import Final

import msgspec

from forebay.core.quantiles import quantile

Z95: Final = 1.959963984540054
RESAMPLES: Final = 4000


class Interval(msgspec.Struct, frozen=True):
    """A value and its interval of 95 %."""

    value: float
    low: float
    high: float


def wilson(passed: int, total: int) -> Interval:
    """The share ``passed`` of ``total``, which is at least 1.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
    """
    share, squared = passed / total, Z95 * Z95
    scale = 1 + squared / total
    middle = (share + squared / (2 * total)) / scale
    half = Z95 / scale * math.sqrt(share * (1 - share) / total + squared / (4 * total * total))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def paired_difference(before: Sequence[float], after: Sequence[float]) -> Interval:
    """The mean of ``after`` less that of ``before``, case by case: the percentiles of a bootstrap, always the same one.

    Source: Efron and Tibshirani, "An introduction to the bootstrap" (1993), chapter 13.
    """
    differences = [b - a for a, b in zip(before, after, strict=True)]
    count, random = len(differences), Random(0)  # noqa: S311  # a figure that can be repeated, no secret
    means = sorted(math.fsum(random.choices(differences, k=count)) / count for _ in range(RESAMPLES))
    low, high = quantile(means, 0.025), quantile(means, 0.975)
    return Interval(math.fsum(differences) / count, low, high)


def mcnemar(broken: int, mended: int) -> float:
    """How likely at least so uneven a split of what changed is by chance: the exact test, two-sided.

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions" (1947).
    """
    changed = broken + mended
    if not changed:
        return 1.0
    tail = sum(math.comb(changed, k) for k in range(min(broken, mended) + 1)) / 2.0**changed
    return min(1.0, 2 * tail)
