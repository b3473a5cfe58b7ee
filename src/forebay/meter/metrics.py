"""Counts every ended call for Prometheus, cheaply enough to be done for each one.

The counters are plain lists and dicts that are filled from the journal's batches; text is made only when somebody
scrapes. Labels are bounded: names of configured models and deployments, never of users.

Source: Prometheus text exposition format 0.0.4.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from forebay.core.types import Record

# vLLM's buckets, so that p50 to p99 can be read and dashboards fit both.
TTFT = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0)
TPOT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
DURATION = (0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0)
OVERHEAD = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

HISTOGRAMS: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "time_to_first_token_seconds": ("Request accepted to first content sent.", TTFT),
    "time_per_output_token_seconds": ("Time between output tokens, of streamed replies.", TPOT),
    "request_duration_seconds": ("Request accepted to end of reply.", DURATION),
    "overhead_seconds": ("Gateway time: neither the provider's nor a queue's.", OVERHEAD),
    "queue_seconds": ("Time waiting in the engine's queue.", TTFT),
}
COUNTERS: Mapping[str, str] = {
    "requests_total": "Ended requests.",
    "prompt_tokens_total": "Prompt tokens.",
    "output_tokens_total": "Output tokens; its rate is the throughput.",
}

# Names behind a wildcard come from clients: past this many label sets of a metric the rest is counted as "other".
LABEL_SETS = 1000

Labels = tuple[str, ...]
Gauges = Callable[[], Mapping[str, Mapping[str, float]]]


class Histogram(msgspec.Struct):
    """Observations in buckets: ``counts[i]`` fell into bucket ``i``, the last one being +Inf."""

    counts: list[int]
    total: float = 0.0


class Snapshot(msgspec.Struct):
    """All counts of one process; snapshots of several add up to those of a server."""

    histograms: dict[str, dict[Labels, Histogram]]
    counters: dict[str, dict[Labels, float]]


class Metrics:
    """A sink of the journal that counts, and renders what it counted."""

    def __init__(self) -> None:
        self.snapshot = Snapshot({name: {} for name in HISTOGRAMS}, {name: {} for name in COUNTERS})

    def __call__(self, records: Sequence[Record]) -> None:
        """Count each record."""
        for record in records:
            self._count(record)

    def _count(self, record: Record) -> None:
        labels = (record.model, record.deployment)
        if record.ttft is not None:
            self._observe("time_to_first_token_seconds", labels, TTFT, record.ttft)
        if record.tpot is not None:
            self._observe("time_per_output_token_seconds", labels, TPOT, record.tpot)
        if record.queue:
            self._observe("queue_seconds", labels, TTFT, record.queue)
        self._observe("request_duration_seconds", labels, DURATION, record.latency)
        self._observe("overhead_seconds", labels, OVERHEAD, record.overhead)
        self._add("requests_total", (*labels, str(record.status), record.outcome), 1)
        self._add("prompt_tokens_total", labels, record.prompt_tokens)
        self._add("output_tokens_total", labels, record.completion_tokens)

    def _observe(self, name: str, labels: Labels, bounds: tuple[float, ...], value: float) -> None:
        family = self.snapshot.histograms[name]
        histogram = family.get(labels)
        if histogram is None:
            histogram = family.setdefault(_bounded(labels, family), Histogram([0] * (len(bounds) + 1)))
        histogram.counts[bisect_left(bounds, value)] += 1
        histogram.total += value

    def _add(self, name: str, labels: Labels, value: float) -> None:
        family = self.snapshot.counters[name]
        if labels not in family:
            labels = _bounded(labels, family)
        family[labels] = family.get(labels, 0) + value


def _bounded(labels: Labels, family: Mapping[Labels, object]) -> Labels:
    return labels if len(family) < LABEL_SETS else ("other", "other", *labels[2:])


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """The sum of ``snapshots``."""
    total = Metrics().snapshot
    for snapshot in snapshots:
        for name, family in snapshot.histograms.items():
            for labels, histogram in family.items():
                into = total.histograms[name].setdefault(labels, Histogram([0] * len(histogram.counts)))
                into.counts = [a + b for a, b in zip(into.counts, histogram.counts, strict=True)]
                into.total += histogram.total
        for name, values in snapshot.counters.items():
            for labels, value in values.items():
                total.counters[name][labels] = total.counters[name].get(labels, 0) + value
    return total


def render(snapshot: Snapshot, gauges: Mapping[str, Mapping[str, float]]) -> str:
    """``snapshot`` and ``gauges`` (provider → gauge → value) in Prometheus' text format."""
    lines: list[str] = []
    for name, (text, bounds) in HISTOGRAMS.items():
        lines += _head(name, text, "histogram")
        for labels, histogram in sorted(snapshot.histograms[name].items()):
            lines += _histogram(name, _labels(("model", "deployment"), labels), bounds, histogram)
    for name, text in COUNTERS.items():
        lines += _head(name, text, "counter")
        for labels, value in sorted(snapshot.counters[name].items()):
            named = _labels(("model", "deployment", "status", "outcome"), labels)
            lines.append(f"forebay_{name}{{{named}}} {value!r}")
    lines += _gauges(gauges)
    return "\n".join(lines) + "\n"


def _head(name: str, text: str, kind: str) -> list[str]:
    return [f"# HELP forebay_{name} {text}", f"# TYPE forebay_{name} {kind}"]


def _histogram(name: str, labels: str, bounds: tuple[float, ...], histogram: Histogram) -> list[str]:
    lines, seen = [], 0
    for bound, count in zip((*bounds, "+Inf"), histogram.counts, strict=True):
        seen += count
        lines.append(f'forebay_{name}_bucket{{{labels},le="{bound}"}} {seen}')
    lines.append(f"forebay_{name}_sum{{{labels}}} {histogram.total!r}")
    lines.append(f"forebay_{name}_count{{{labels}}} {seen}")
    return lines


def _gauges(gauges: Mapping[str, Mapping[str, float]]) -> list[str]:
    families: dict[str, list[str]] = {}
    for provider, values in sorted(gauges.items()):
        for name, value in values.items():
            sample = f"forebay_engine_{name}{{{_labels(('provider',), (provider,))}}} {value!r}"
            families.setdefault(name, []).append(sample)
    lines = []
    for name, samples in families.items():
        lines += [f"# TYPE forebay_engine_{name} gauge", *samples]
    return lines


def _labels(names: tuple[str, ...], values: Labels) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=False))


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
