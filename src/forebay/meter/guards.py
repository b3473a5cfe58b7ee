"""What guards did, as figures: verdicts by guard, side and outcome, the time that judging took, and what was held back.

Every label is a name from the configuration or one of a fixed few, so there are never many.
"""

from collections.abc import Iterable, Iterator

import msgspec

from forebay.core.verdicts import Judgement
from forebay.meter.exposition import head, histogram, labels
from forebay.meter.metrics import OVERHEAD, TTFT, Histogram

Kind = tuple[str, str, str, str]
"""Guard, side, action, outcome."""


class GuardCounts(msgspec.Struct):
    """Everything counted of all guards: ``errors`` by guard and whether it was the time-out that passed."""

    verdicts: dict[Kind, int] = {}
    errors: dict[tuple[str, str], int] = {}
    seconds: dict[str, Histogram] = {}
    held: Histogram = msgspec.field(default_factory=lambda: Histogram([0] * (len(TTFT) + 1)))

    def count(self, judgement: Judgement) -> None:
        """Count one judgement."""
        kind = (judgement.guard, judgement.side, judgement.action, judgement.outcome)
        self.verdicts[kind] = self.verdicts.get(kind, 0) + 1
        self._of(judgement.guard).observe(OVERHEAD, judgement.seconds)
        if judgement.error:
            error = (judgement.guard, "timeout" if judgement.error == "timeout" else "failure")
            self.errors[error] = self.errors.get(error, 0) + 1

    def add(self, other: "GuardCounts") -> None:
        """Count what ``other`` counted."""
        for kind, number in other.verdicts.items():
            self.verdicts[kind] = self.verdicts.get(kind, 0) + number
        for error, number in other.errors.items():
            self.errors[error] = self.errors.get(error, 0) + number
        for guard, seconds in other.seconds.items():
            self._of(guard).add(seconds)
        self.held.add(other.held)

    def _of(self, guard: str) -> Histogram:
        return self.seconds.setdefault(guard, Histogram([0] * (len(OVERHEAD) + 1)))


def merged(every: Iterable[GuardCounts]) -> GuardCounts:
    """The sum of all counts."""
    total = GuardCounts()
    for each in every:
        total.add(each)
    return total


def render(counts: GuardCounts) -> str:
    """The counts as Prometheus reads them; nothing where no guard ever judged."""
    return "".join(f"{line}\n" for line in _lines(counts)) if counts.verdicts else ""


def _lines(counts: GuardCounts) -> Iterator[str]:
    yield from head("guard_verdicts_total", "Texts that guards judged, and what followed.", "counter")
    for (guard, side, action, outcome), number in sorted(counts.verdicts.items()):
        named = labels(guard=guard, side=side, action=action, outcome=outcome)
        yield f"forebay_guard_verdicts_total{{{named}}} {number}"
    yield from head("guard_errors_total", "Texts that a guard could not judge.", "counter")
    for (guard, error), number in sorted(counts.errors.items()):
        yield f"forebay_guard_errors_total{{{labels(guard=guard, error=error)}}} {number}"
    yield from head("guard_seconds", "Time that a guard took for one text.", "histogram")
    for guard, seconds in sorted(counts.seconds.items()):
        yield from histogram("guard_seconds", labels(guard=guard), OVERHEAD, seconds)
    yield from head("guard_holdback_seconds", "Time that the first content of a stream was held back.", "histogram")
    yield from histogram("guard_holdback_seconds", "", TTFT, counts.held)
