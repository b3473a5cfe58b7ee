"""The metrics of the conventions for generative AI, counted from records and told as cumulative histograms.

Source: OpenTelemetry semantic conventions 1.38, "Generative AI metrics": names, units and buckets.
"""

import time
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import msgspec
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.resources import Resource

from forebay.core.types import Record
from forebay.meter.otlp.attributes import OPERATIONS, Attributes, error, provider
from forebay.meter.otlp.spans import SCOPE

TOKENS: Final = tuple(float(4**power) for power in range(14))
SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
FIRST: Final = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
EACH: Final = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)

USAGE: Final = "gen_ai.client.token.usage"
TTFT: Final = "gen_ai.server.time_to_first_token"
TPOT: Final = "gen_ai.server.time_per_output_token"
DURATION: Final = "gen_ai.server.request.duration"
KINDS: Final[dict[str, tuple[str, str, tuple[float, ...]]]] = {
    USAGE: ("{token}", "Input and output tokens of a request.", TOKENS),
    TTFT: ("s", "Request accepted to first content sent.", FIRST),
    TPOT: ("s", "Time for each output token after the first.", EACH),
    DURATION: ("s", "Request accepted to end of reply.", SECONDS),
}

MOST: Final = 2000
"""So many series there are; clients may make up names of models behind a wildcard."""

OTHER: Final = "_OTHER"
"""What the rest counts as, in the conventions' words."""

Key = tuple[str, str, str, str]
"""Operation, deployment, model, error."""


class Counted(msgspec.Struct):
    """One histogram over ``bounds``."""

    bounds: tuple[float, ...]
    buckets: list[int]
    total: float = 0.0
    least: float = float("inf")
    most: float = 0.0
    count: int = 0

    def observe(self, value: float) -> None:
        """Count ``value``."""
        self.buckets[bisect_left(self.bounds, value)] += 1
        self.total += value
        self.count += 1
        self.least = min(self.least, value)
        self.most = max(self.most, value)


def _empty(name: str) -> Counted:
    bounds = KINDS[name][2]
    return Counted(bounds, [0] * (len(bounds) + 1))


class Series(msgspec.Struct):
    """The histograms of the requests that are alike."""

    input: Counted = msgspec.field(default_factory=lambda: _empty(USAGE))
    output: Counted = msgspec.field(default_factory=lambda: _empty(USAGE))
    ttft: Counted = msgspec.field(default_factory=lambda: _empty(TTFT))
    tpot: Counted = msgspec.field(default_factory=lambda: _empty(TPOT))
    duration: Counted = msgspec.field(default_factory=lambda: _empty(DURATION))

    def add(self, record: Record) -> None:
        """Count ``record``."""
        if record.prompt_tokens:
            self.input.observe(record.prompt_tokens)
        if record.completion_tokens:
            self.output.observe(record.completion_tokens)
        if record.ttft is not None:
            self.ttft.observe(record.ttft)
        if record.tpot is not None:
            self.tpot.observe(record.tpot)
        self.duration.observe(record.latency)


class Measures:
    """Counts records, and tells them as the metrics of ``resource``."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._began = time.time_ns()
        self._found: dict[Key, Series] = {}

    def add(self, record: Record) -> None:
        """Count ``record``."""
        key = record.operation, record.deployment, record.model, error(record)
        series = self._found.get(key)
        if series is None:
            key = key if len(self._found) < MOST else (key[0], OTHER, OTHER, key[3])
            series = self._found.setdefault(key, Series())
        series.add(record)

    def told(self) -> MetricsData:
        """Everything counted until now."""
        now = time.time_ns()
        points: dict[str, list[HistogramDataPoint]] = {name: [] for name in KINDS}
        for (operation, deployment, model, failure), series in self._found.items():
            who: Attributes = {
                "gen_ai.operation.name": OPERATIONS.get(operation, operation),
                "gen_ai.provider.name": provider(deployment),
                "gen_ai.request.model": model,
            }
            failed: Attributes = {"error.type": failure} if failure else {}
            for name, counted, more in (
                (USAGE, series.input, {"gen_ai.token.type": "input"}),
                (USAGE, series.output, {"gen_ai.token.type": "output"}),
                (TTFT, series.ttft, {}),
                (TPOT, series.tpot, {}),
                (DURATION, series.duration, {}),
            ):
                if counted.count:
                    points[name].append(self._point({**who, **failed, **more}, counted, now))
        metrics = [_metric(name, found) for name, found in points.items() if found]
        return MetricsData([ResourceMetrics(self._resource, [ScopeMetrics(SCOPE, metrics, "")], "")])

    def _point(self, attributes: Attributes, counted: Counted, now: int) -> HistogramDataPoint:
        return HistogramDataPoint(
            attributes,
            self._began,
            now,
            counted.count,
            counted.total,
            tuple(counted.buckets),
            counted.bounds,
            counted.least,
            counted.most,
        )


def _metric(name: str, points: Sequence[HistogramDataPoint]) -> Metric:
    unit, text, _ = KINDS[name]
    return Metric(name, text, unit, Histogram(points, AggregationTemporality.CUMULATIVE))
