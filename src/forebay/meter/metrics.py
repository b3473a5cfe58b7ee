"""Counts every ended call for Prometheus, cheaply enough to be done for each one.

The counters are plain lists and dicts that are filled from the journal's batches; text is made only when somebody
scrapes (`exposition`). Labels are bounded: names of configured models and deployments, never of users.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence

import msgspec

from forebay.core.money import PICO
from forebay.core.types import Attempt, Record

# vLLM's buckets, so that p50 to p99 can be read and dashboards fit both.
TTFT = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0)
TPOT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
DURATION = (0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0)
OVERHEAD = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

# Names behind a wildcard come from clients: past this many pairs of labels the rest is counted as "other". Each makes
# a hundred lines, in which the longest of names stands twice: together they stay below 30 MB.
PAIRS = 200
OTHER = ("other", "other")

Pair = tuple[str, str]
"""Model and deployment."""


class Histogram(msgspec.Struct):
    """Observations in buckets: ``counts[i]`` fell into bucket ``i``, the last one being +Inf."""

    counts: list[int]
    total: float = 0.0

    def observe(self, bounds: tuple[float, ...], value: float) -> None:
        """Count ``value``."""
        self.counts[bisect_left(bounds, value)] += 1
        self.total += value

    def observe_all(self, bounds: tuple[float, ...], values: list[float]) -> None:
        """Count all of ``values``, which are sorted: of many, each takes a third of the time that it takes alone."""
        values.sort()
        below = 0
        for bucket, bound in enumerate(bounds):
            upto = bisect_right(values, bound)
            self.counts[bucket] += upto - below
            below = upto
        self.counts[-1] += len(values) - below
        self.total += sum(values)

    def add(self, other: "Histogram") -> None:
        """Count what ``other`` counted."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


def _empty(bounds: tuple[float, ...]) -> Histogram:
    return Histogram([0] * (len(bounds) + 1))


class Counts(msgspec.Struct):
    """Everything counted of one model at one deployment; ``ended`` by status, outcome and cache.

    ``attempts`` are by reason and outcome, and only those of requests that needed more than a plain one. ``cost`` is in
    dollars; ``unpriced`` are the requests that had an answer, or some of it, and nobody knows what it cost. ``cached``
    counts what the cache did.
    """

    ttft: Histogram = msgspec.field(default_factory=lambda: _empty(TTFT))
    tpot: Histogram = msgspec.field(default_factory=lambda: _empty(TPOT))
    duration: Histogram = msgspec.field(default_factory=lambda: _empty(DURATION))
    overhead: Histogram = msgspec.field(default_factory=lambda: _empty(OVERHEAD))
    queue: Histogram = msgspec.field(default_factory=lambda: _empty(TTFT))
    ended: dict[tuple[int, str, str], int] = {}
    prompt_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    attempts: dict[tuple[str, str], int] = {}
    cooldowns: int = 0
    cached: dict[str, int] = {}

    def count(self, records: Sequence[Record]) -> None:
        """Count ended calls."""
        self._time(records)
        for end, number in Counter([(each.status, each.outcome, each.cache) for each in records]).items():
            self.ended[end] = self.ended.get(end, 0) + number
            if cache := end[2]:
                self.cached[cache] = self.cached.get(cache, 0) + number
        self.prompt_tokens += sum([each.prompt_tokens for each in records])
        self.output_tokens += sum([each.completion_tokens for each in records])
        self.cost += sum([each.cost for each in records if each.cost is not None]) / PICO
        self.unpriced += sum([each.cost is None and each.outcome != "error" for each in records])

    def _time(self, records: Sequence[Record]) -> None:
        self.ttft.observe_all(TTFT, [each.ttft for each in records if each.ttft is not None])
        self.tpot.observe_all(TPOT, [each.tpot for each in records if each.tpot is not None])
        self.queue.observe_all(TTFT, [each.queue for each in records if each.queue])
        self.duration.observe_all(DURATION, [each.latency for each in records])
        self.overhead.observe_all(OVERHEAD, [each.overhead for each in records])

    def attempt(self, attempt: Attempt) -> None:
        """Count one attempt."""
        kind = (attempt.reason, attempt.outcome)
        self.attempts[kind] = self.attempts.get(kind, 0) + 1
        self.cooldowns += attempt.cooled

    def add(self, other: "Counts") -> None:
        """Count what ``other`` counted."""
        for mine, theirs in (
            (self.ttft, other.ttft),
            (self.tpot, other.tpot),
            (self.duration, other.duration),
            (self.overhead, other.overhead),
            (self.queue, other.queue),
        ):
            mine.add(theirs)
        for end, number in other.ended.items():
            self.ended[end] = self.ended.get(end, 0) + number
        for kind, number in other.attempts.items():
            self.attempts[kind] = self.attempts.get(kind, 0) + number
        for result, number in other.cached.items():
            self.cached[result] = self.cached.get(result, 0) + number
        self.cooldowns += other.cooldowns
        self.prompt_tokens += other.prompt_tokens
        self.output_tokens += other.output_tokens
        self.cost += other.cost
        self.unpriced += other.unpriced


Snapshot = dict[Pair, Counts]
"""All counts of one process; those of several add up to those of a server."""


def nothing() -> Container[str]:
    """No model is known."""
    return ()


class Metrics:
    """A sink of the journal that counts.

    The models that are ``configured`` always have labels of their own; `PAIRS` bounds those that clients make up.
    """

    def __init__(self, configured: Callable[[], Container[str]] = nothing) -> None:
        self.snapshot: Snapshot = {}
        self._configured = configured
        self._made_up = 0

    def __call__(self, records: Sequence[Record]) -> None:
        """Count each record, those of one model and deployment together."""
        alike: dict[Pair, list[Record]] = {}
        for record in records:
            alike.setdefault((record.model, record.deployment), []).append(record)
            for attempt in record.attempts:
                self._of((attempt.model, attempt.deployment)).attempt(attempt)
        for pair, those in alike.items():
            self._of(pair).count(those)

    def _of(self, pair: Pair) -> Counts:
        counts = self.snapshot.get(pair)
        if counts is None:
            counts = self.snapshot.setdefault(self._bounded(pair), Counts())
        return counts

    def _bounded(self, pair: Pair) -> Pair:
        model = pair[0]
        if not model or model in self._configured():
            return pair
        if self._made_up >= PAIRS:
            return OTHER
        self._made_up += 1
        return pair


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """The sum of ``snapshots``."""
    total: Snapshot = {}
    for snapshot in snapshots:
        for pair, counts in snapshot.items():
            total.setdefault(pair, Counts()).add(counts)
    return total
