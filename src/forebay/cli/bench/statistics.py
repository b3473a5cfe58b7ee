"""The arithmetic: how values are spread, and the interval of a ratio."""

import math
import statistics
from collections.abc import Sequence
from typing import Final, Self

import msgspec

from forebay.core.quantiles import quantile

# Student's t, two-sided 95 %, for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook, 1.3.6.7.2).
_T95: Final = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
MOST_TURNS: Final = len(_T95) + 1


class Distribution(msgspec.Struct, frozen=True):
    """How values are spread; of times in milliseconds."""

    count: int
    mean: float
    least: float
    p50: float
    p90: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float], scale: float = 1e3) -> Self | None:
        """That of ``values``, each times ``scale``; of none there is none."""
        if not values:
            return None
        ordered = sorted(value * scale for value in values)
        p50, p90, p99 = (quantile(ordered, share) for share in (0.5, 0.9, 0.99))
        return cls(len(ordered), math.fsum(ordered) / len(ordered), ordered[0], p50, p90, p99, ordered[-1])


class Ratio(msgspec.Struct, frozen=True):
    """How many times as much: the geometric mean over turns, and its interval of 95 %."""

    ratio: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval excludes that both are equal."""
        return not self.low <= 1 <= self.high

    @classmethod
    def of(cls, first: Sequence[float], second: Sequence[float]) -> Self | None:
        """``second`` over ``first``, turn by turn: Student's t over the logarithms, ``None`` where one is zero.

        2 to `MOST_TURNS` turns.
        """
        if min(*first, *second) <= 0:
            return None
        logs = [math.log(b / a) for a, b in zip(first, second, strict=True)]
        middle = statistics.fmean(logs)
        half = _T95[len(logs) - 2] * statistics.stdev(logs) / math.sqrt(len(logs))
        return cls(math.exp(middle), math.exp(middle - half), math.exp(middle + half))
