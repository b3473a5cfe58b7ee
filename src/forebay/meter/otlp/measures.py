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
from forebay.meter.otlp.attributes import Attributes, error, operation, provider
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
"""So many sets of attributes there are for a metric; clients may make up names of models behind a wildcard."""

Key = tuple[str, ...]
"""Operation, provider, model, and the error or the type of the tokens."""


class Counted(msgspec.Struct):
    """One histogram."""

    buckets: list[int]
    total: float = 0.0
    least: float = 0.0
    most: float = 0.0
    count: int = 0


class Measures:
    """Counts records, and tells them as the metrics of ``resource``."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._began = time.time_ns()
        self._found: dict[str, dict[Key, Counted]] = {name: {} for name in KINDS}

    def add(self, record: Record) -> None:
        """Count ``record``."""
        who = operation(record), provider(record.deployment), record.model
        if record.prompt_tokens:
            self._observe(USAGE, (*who, "input"), record.prompt_tokens)
        if record.completion_tokens:
            self._observe(USAGE, (*who, "output"), record.completion_tokens)
        if record.ttft is not None:
            self._observe(TTFT, (*who, ""), record.ttft)
        if record.tpot is not None:
            self._observe(TPOT, (*who, ""), record.tpot)
        self._observe(DURATION, (*who, error(record)), record.latency)

    def _observe(self, name: str, key: Key, value: float) -> None:
        bounds = KINDS[name][2]
        found = self._found[name]
        counted = found.get(key)
        if counted is None:
            if len(found) >= MOST:
                key = (*key[:2], "_OTHER", key[3])
            counted = found.setdefault(key, Counted([0] * (len(bounds) + 1), least=value))
        counted.buckets[bisect_left(bounds, value)] += 1
        counted.total += value
        counted.least = min(counted.least, value)
        counted.most = max(counted.most, value)
        counted.count += 1

    def told(self) -> MetricsData:
        """Everything counted until now."""
        now = time.time_ns()
        metrics = [self._metric(name, points, now) for name, points in self._found.items() if points]
        return MetricsData([ResourceMetrics(self._resource, [ScopeMetrics(SCOPE, metrics, "")], "")])

    def _metric(self, name: str, found: dict[Key, Counted], now: int) -> Metric:
        unit, text, bounds = KINDS[name]
        points = [self._point(name, key, counted, bounds, now) for key, counted in found.items()]
        return Metric(name, text, unit, Histogram(points, AggregationTemporality.CUMULATIVE))

    def _point(self, name: str, key: Key, counted: Counted, bounds: Sequence[float], now: int) -> HistogramDataPoint:
        return HistogramDataPoint(
            _attributes(name, key),
            self._began,
            now,
            counted.count,
            counted.total,
            tuple(counted.buckets),
            bounds,
            counted.least,
            counted.most,
        )


def _attributes(name: str, key: Key) -> Attributes:
    operation, provider, model, last = key
    found: Attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
    }
    if last:
        found["gen_ai.token.type" if name == USAGE else "error.type"] = last
    return found
