"""What can be asked of usage over time: sums and percentiles, bucket by bucket, of rows that are counted as they come.

Times are counted in buckets whose bounds grow by a sixth of a decade, from a millisecond to a thousand seconds, so that
counts of any two cells can be added, and a percentile is read off them: it is wrong by less than the width of a bucket
(47 %), and mostly by a few percent, since it is interpolated within.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol

import msgspec

from forebay.core.types import Record

MINUTE: Final = 60
HOUR: Final = 3600
LEVELS: Final = (MINUTE, HOUR)
"""The widths of cells, in seconds: what is asked for in whole hours need not look at each minute."""

Dimension = Literal["tenant", "principal", "model", "deployment", "status"]
"""What a cell is of, and by what a series can be split."""

Time = Literal["ttft", "tpot", "latency"]
"""The times that are counted, all in seconds."""

DIMENSIONS: Final[tuple[Dimension, ...]] = ("tenant", "principal", "model", "deployment", "status")
TIMES: Final[tuple[Time, ...]] = ("ttft", "tpot", "latency")

MEASURES: Final = (
    *("requests", "errors", "aborted", "prompt_tokens", "completion_tokens", "cached_tokens"),
    *("cache_hits", "cache_misses", "saved_tokens", "cost", "unpriced"),
)
"""What is summed up: ``errors`` broke or were refused, ``saved_tokens`` came from the cache, ``cost`` pico-dollars."""

PER_DECADE: Final = 6
DECADES: Final = 6
FIRST: Final = 0.001
BOUNDS: Final = tuple(FIRST * 10 ** (each / PER_DECADE) for each in range(PER_DECADE * DECADES + 1))
"""The upper ends of buckets, in seconds; one more bucket is for what is longer."""

BUCKETS: Final = len(BOUNDS) + 1
HITS: Final = ("hit", "semantic-hit")
MISSES: Final = ("miss", "refresh")
MOST_GROUPS: Final = 20


class SeriesQuery(msgspec.Struct, frozen=True):
    """Which rows: as a `UsageQuery`, with a status in a range.

    Moments and ``step`` are whole seconds; ``since`` and ``until`` are multiples of it. Of the groups of ``by`` those
    ``groups`` are told that have the most requests, or that cost most; the others are put together.
    """

    since: int
    until: int
    step: int
    tenant: str | None = None
    principal: str | None = None
    model: str | None = None
    statuses: tuple[int, int] = (0, 1000)
    by: Dimension | None = None
    times: tuple[Time, ...] = ()
    groups: int = 8
    costliest: bool = False

    @property
    def level(self) -> int:
        """The widest cells that make up a step."""
        return HOUR if self.step % HOUR == 0 else MINUTE


class Point(msgspec.Struct, frozen=True):
    """The rows of one group from ``at`` on, for a step; ``group`` is ``None`` for those of no group of their own.

    ``sums`` are in the order of `MEASURES`, ``counts`` of a time in that of its buckets. ``largest`` has the longest of
    each time, in seconds, where that is known.
    """

    at: int
    group: str | None
    sums: tuple[int, ...]
    counts: Mapping[Time, Sequence[int]]
    largest: Mapping[Time, float] = {}


class Verdicts(msgspec.Struct, frozen=True):
    """How often a guard came to an outcome from ``at`` on, for a step."""

    at: int
    guard: str
    outcome: str
    count: int


class SeriesBook(Protocol):
    """Usage over time; steps in which nothing happened are left out."""

    async def points(self, query: SeriesQuery, /) -> Sequence[Point]:
        """The points of ``query``, oldest first; at most one more than ``groups`` at a moment.

        Raises:
            UnavailableError: it cannot be read now.
        """
        ...

    async def verdicts(self, query: SeriesQuery, /) -> Sequence[Verdicts]:
        """What guards said of the requests of ``query``, oldest first; statuses and groups do not matter.

        Raises:
            UnavailableError: it cannot be read now.
        """
        ...


def measured(record: Record) -> tuple[int, ...]:
    """What ``record`` adds to a cell's sums, in the order of `MEASURES`."""
    hit = record.cache in HITS
    return (
        1,
        record.outcome not in {"ok", "aborted"},
        record.outcome == "aborted",
        record.prompt_tokens,
        record.completion_tokens,
        record.cached_tokens,
        hit,
        record.cache in MISSES,
        record.completion_tokens if hit else 0,
        record.cost or 0,
        record.cost is None and record.outcome != "error",
    )


def bucket(seconds: float) -> int:
    """In which bucket a time is counted."""
    return bisect_left(BOUNDS, seconds)


def times_of(record: Record) -> Mapping[Time, float]:
    """The times that ``record`` has, in seconds."""
    found: tuple[tuple[Time, float | None], ...] = (
        ("ttft", record.ttft),
        ("tpot", record.tpot),
        ("latency", record.latency),
    )
    return {name: seconds for name, seconds in found if seconds is not None and not math.isnan(seconds)}


def timed(record: Record) -> Mapping[Time, int]:
    """The bucket of each time that ``record`` has."""
    return {name: bucket(seconds) for name, seconds in times_of(record).items()}


def percentile(counts: Sequence[int], share: float, largest: float = math.inf) -> float | None:
    """The time in seconds that ``share`` of those counted did not exceed; ``None`` where none were.

    An estimate, of counts; of the times themselves see `core.quantiles`. Within a bucket times are taken as evenly
    spread over the logarithm; what is beyond the last bound counts as it. It is never above the ``largest`` of them,
    if that is known, else never above the upper end of that one's bucket.
    """
    total = sum(counts)
    if not total:
        return None
    return min(largest, _estimated(counts, share * total))


def _estimated(counts: Sequence[int], wanted: float) -> float:
    below = 0
    for number, count in enumerate(counts):
        if count and below + count >= wanted:
            high = BOUNDS[min(number, len(BOUNDS) - 1)]
            return high * 10 ** (((wanted - below) / count - 1) / PER_DECADE) if number < len(BOUNDS) else high
        below += count
    return BOUNDS[-1]


def added(one: Iterable[int], other: Iterable[int]) -> tuple[int, ...]:
    """Both, place by place."""
    return tuple(a + b for a, b in zip(one, other, strict=True))
