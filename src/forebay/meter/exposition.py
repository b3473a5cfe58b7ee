"""Figures as Prometheus reads them.

Source: Prometheus text exposition format 0.0.4.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from forebay.core.families import Family, Sample
from forebay.meter.metrics import DURATION, OVERHEAD, TPOT, TTFT, Counts, Histogram, Snapshot

Gauges = Mapping[str, Mapping[str, float]]
"""Provider or deployment, gauge, value."""

NOTHING: Gauges = MappingProxyType({})

Sums = Mapping[str, Gauges]
"""Gauges by what they are about, a ``deployment``, a ``cache``, the ``limits``: those of several processes add up."""

NO_SUMS: Sums = MappingProxyType({})

Families = Mapping[str, Sequence[Family]]
"""Provider, the metrics that it has under its own names."""

NO_FAMILIES: Families = MappingProxyType({})

HISTOGRAMS: tuple[tuple[str, str, tuple[float, ...], Callable[[Counts], Histogram]], ...] = (
    ("time_to_first_token_seconds", "Request accepted to first content sent.", TTFT, lambda counts: counts.ttft),
    ("time_per_output_token_seconds", "Time between output tokens of a stream.", TPOT, lambda counts: counts.tpot),
    ("request_duration_seconds", "Request accepted to end of reply.", DURATION, lambda counts: counts.duration),
    ("overhead_seconds", "Gateway time: not the provider's, not a queue's.", OVERHEAD, lambda counts: counts.overhead),
    ("queue_seconds", "Time waiting in the engine's queue.", TTFT, lambda counts: counts.queue),
)
ATTEMPTS: tuple[tuple[str, str, Callable[[Counts], int]], ...] = (
    ("retries_total", "Attempts after a pause.", lambda counts: _attempts(counts, "retry")),
    ("fallbacks_total", "Attempts after another one failed.", lambda counts: _attempts(counts, "next", "fallback")),
    ("hedges_total", "Attempts beside a slow one.", lambda counts: _attempts(counts, "hedge")),
    ("probes_total", "Attempts at one that was cooling down.", lambda counts: _attempts(counts, "probe")),
    ("cooldowns_total", "How often it began to cool down.", lambda counts: counts.cooldowns),
)
SUMS: tuple[tuple[str, str, Callable[[Counts], float]], ...] = (
    ("prompt_tokens_total", "Prompt tokens.", lambda counts: counts.prompt_tokens),
    ("output_tokens_total", "Output tokens; its rate is the throughput.", lambda counts: counts.output_tokens),
    ("cost_dollars_total", "What requests cost, as far as it is known.", lambda counts: counts.cost),
    ("cost_unknown_total", "Answered requests whose cost nobody knows.", lambda counts: counts.unpriced),
)

_THEIR_PROVIDER = re.compile(r'(?:^|(?<=",))provider=(?=")')


def render(
    snapshot: Snapshot,
    gauges: Gauges,
    families: Families = NO_FAMILIES,
    sums: Sums = NO_SUMS,
) -> str:
    """All of it as text: the engines' ``gauges`` and those that processes add up too.

    ``families`` keep their names and labels, and get one that names the provider.
    """
    lines = [
        *_histograms(snapshot),
        *_requests(snapshot),
        *_sums(snapshot, SUMS),
        *_sums(snapshot, ATTEMPTS),
        *_failures(snapshot),
        *_gauges("engine", "provider", gauges),
        *_gauges("deployment", "deployment", sums.get("deployment", NOTHING)),
        *_cached(snapshot),
        *_gauges("cache", "store", sums.get("cache", NOTHING)),
        *_gauges("limits", "counted_in", sums.get("limits", NOTHING)),
        *_families(families),
    ]
    return "\n".join(lines) + "\n"


def _histograms(snapshot: Snapshot) -> Iterator[str]:
    for name, text, bounds, found in HISTOGRAMS:
        yield from head(name, text, "histogram")
        for pair, counts in sorted(snapshot.items(), key=lambda item: item[0]):
            yield from histogram(name, labels(model=pair[0], deployment=pair[1]), bounds, found(counts))


def histogram(name: str, named: str, bounds: Iterable[float], found: Histogram) -> Iterator[str]:
    """The lines of a histogram whose labels are ``named``."""
    seen = 0
    for bound, count in zip((*bounds, "+Inf"), found.counts, strict=True):
        seen += count
        yield f'forebay_{name}_bucket{{{named}{"," if named else ""}le="{bound}"}} {seen}'
    yield f"forebay_{name}_sum{{{named}}} {found.total!r}"
    yield f"forebay_{name}_count{{{named}}} {seen}"


def _requests(snapshot: Snapshot) -> Iterator[str]:
    yield from head("requests_total", "Ended requests.", "counter")
    for (model, deployment), counts in sorted(snapshot.items(), key=lambda item: item[0]):
        for (status, outcome, cache), number in sorted(counts.ended.items()):
            named = labels(model=model, deployment=deployment, status=str(status), outcome=outcome, cache=cache)
            yield f"forebay_requests_total{{{named}}} {number}"


def _sums(snapshot: Snapshot, families: Iterable[tuple[str, str, Callable[[Counts], float]]]) -> Iterator[str]:
    for name, text, found in families:
        yield from head(name, text, "counter")
        for (model, deployment), counts in sorted(snapshot.items(), key=lambda item: item[0]):
            yield f"forebay_{name}{{{labels(model=model, deployment=deployment)}}} {found(counts)}"


def _failures(snapshot: Snapshot) -> Iterator[str]:
    yield from head("failed_attempts_total", "Attempts that failed, whatever became of the request.", "counter")
    for (model, deployment), counts in sorted(snapshot.items(), key=lambda item: item[0]):
        failures: dict[str, int] = {}
        for (_, outcome), number in counts.attempts.items():
            if outcome not in {"ok", "aborted"}:
                failures[outcome] = failures.get(outcome, 0) + number
        for outcome, number in sorted(failures.items()):
            named = labels(model=model, deployment=deployment, outcome=outcome)
            yield f"forebay_failed_attempts_total{{{named}}} {number}"


def _cached(snapshot: Snapshot) -> Iterator[str]:
    yield from head("cache_requests_total", "Requests by what the cache did.", "counter")
    models: dict[tuple[str, str], int] = {}
    for (model, _), counts in snapshot.items():
        for result, number in counts.cached.items():
            models[model, result] = models.get((model, result), 0) + number
    for (model, result), number in sorted(models.items()):
        yield f"forebay_cache_requests_total{{{labels(model=model, result=result)}}} {number}"


def _attempts(counts: Counts, *reasons: str) -> int:
    return sum(number for (reason, _), number in counts.attempts.items() if reason in reasons)


def _gauges(family: str, label: str, gauges: Gauges) -> Iterator[str]:
    families: dict[str, list[str]] = {}
    for owner, values in sorted(gauges.items()):
        for name, value in values.items():
            families.setdefault(name, []).append(f"forebay_{family}_{name}{{{labels(**{label: owner})}}} {value!r}")
    for name, samples in families.items():
        yield f"# TYPE forebay_{family}_{name} {'counter' if name.endswith('_total') else 'gauge'}"
        yield from samples


def _families(families: Families) -> Iterator[str]:
    """Each family once, with the samples of all providers that have it, as the format demands."""
    found: dict[str, list[tuple[str, Family]]] = {}
    for provider, theirs in sorted(families.items()):
        for family in theirs:
            found.setdefault(family.name, []).append((provider, family))
    for name, each in found.items():
        first = each[0][1]
        yield f"# HELP {name} {first.help}"
        yield f"# TYPE {name} {first.kind}"
        for provider, family in each:
            if family.kind == first.kind:
                yield from (_sample(sample, labels(provider=provider)) for sample in family.samples)


def _sample(sample: Sample, provider: str) -> str:
    # A label twice would spoil the whole page; Prometheus gives the one that was there this name too.
    labels = _THEIR_PROVIDER.sub("exported_provider=", sample.labels)
    return f"{sample.name}{{{provider}{',' if labels else ''}{labels}}} {sample.value}"


def head(name: str, text: str, kind: str) -> tuple[str, str]:
    """The lines above the samples of one name."""
    return f"# HELP forebay_{name} {text}", f"# TYPE forebay_{name} {kind}"


def labels(**found: str) -> str:
    """Labels as they stand between the braces."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in found.items())


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
