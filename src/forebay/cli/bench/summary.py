"""The figures of one load, or of several of the same kind together."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from forebay.cli.bench.drive import Run
from forebay.cli.bench.samples import Sample
from forebay.cli.bench.slo import Slo
from forebay.cli.bench.statistics import Distribution


class Errors(msgspec.Struct, frozen=True):
    """How many requests failed in one way, and what the first of them said."""

    kind: str
    count: int
    example: str


class Goodput(msgspec.Struct, frozen=True):
    """The requests that kept the objectives; ``share`` is of all that were sent and not aborted, 0 to 1."""

    slo: str
    requests: int
    share: float
    per_second: float


class Lengths(msgspec.Struct, frozen=True):
    """The tokens of one request: fewest, most, and all together."""

    least: int
    most: int
    total: int


class Summary(msgspec.Struct, frozen=True):
    """The figures; ``seconds`` are from the first request to the last piece of the last reply.

    Distributions are in milliseconds and of completed requests; ``late`` is how long after its time a request was sent.
    ``counted`` tells for how many requests whose count the output tokens are; ``hits`` are replies out of a cache.
    """

    requests: int
    completed: int
    failed: int
    aborted: int
    seconds: float
    requests_per_second: float
    output_tokens_per_second: float | None
    input_tokens_per_second: float | None
    output: Lengths | None
    input: Lengths | None
    counted: dict[str, int]
    hits: int
    ttft: Distribution | None
    tpot: Distribution | None
    itl: Distribution | None
    latency: Distribution | None
    late: Distribution | None
    goodput: Goodput | None
    errors: list[Errors]


def summary(runs: Sequence[Run], slo: Slo | None = None, *, open_loop: bool = False) -> Summary:
    """The figures of ``runs``, whose times are added up."""
    samples = [sample for run in runs for sample in run.samples]
    good = [sample for sample in samples if sample.failure is None]
    seconds = sum(run.ended - run.began for run in runs)
    output, given = _lengths([each.output for each in good]), _lengths([each.input for each in good])
    return Summary(
        requests=len(samples),
        completed=len(good),
        failed=len(samples) - len(good),
        aborted=sum(run.aborted for run in runs),
        seconds=seconds,
        requests_per_second=_per(len(good), seconds),
        output_tokens_per_second=_per(output.total, seconds) if output else None,
        input_tokens_per_second=_per(given.total, seconds) if given else None,
        output=output,
        input=given,
        counted=dict(Counter(each.counted for each in good)),
        hits=sum(each.hit for each in good),
        ttft=Distribution.of([each.ttft for each in good if each.ttft is not None]),
        tpot=Distribution.of([each.tpot for each in good if each.tpot is not None]),
        itl=Distribution.of([gap for each in good for gap in each.gaps]),
        latency=Distribution.of([each.latency for each in good]),
        late=Distribution.of([each.sent - each.intended for each in samples]) if open_loop else None,
        goodput=None if slo is None else _goodput(slo, samples, seconds),
        errors=_errors(samples),
    )


def _goodput(slo: Slo, samples: Sequence[Sample], seconds: float) -> Goodput:
    kept = sum(map(slo.kept, samples))
    return Goodput(str(slo), kept, kept / len(samples) if samples else 0.0, _per(kept, seconds))


def _lengths(values: Sequence[int | None]) -> Lengths | None:
    known = [value for value in values if value is not None]
    return Lengths(min(known), max(known), sum(known)) if known else None


def _errors(samples: Sequence[Sample]) -> list[Errors]:
    examples: dict[str, str] = {}
    kinds: Counter[str] = Counter()
    for failure in (each.failure for each in samples if each.failure is not None):
        examples.setdefault(failure.kind, failure.message)
        kinds[failure.kind] += 1
    return [Errors(kind, count, examples[kind]) for kind, count in kinds.most_common()]


def _per(count: float, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0
