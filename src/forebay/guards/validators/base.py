"""What the built-in guards share: the verdict on places that were found in a text."""

from collections.abc import Callable, Sequence

from forebay.core.verdicts import PASSED, Action, Context, Span, Verdict
from forebay.guards.function import Judge

Find = Callable[[str], Sequence[Span]]


def masking(find: Find, reason: str) -> Judge:
    """A function for `Judged`: mask whatever ``find`` finds, or pass."""

    def judge(text: str, _context: Context) -> Verdict:
        spans = find(text)
        return Verdict(Action.MASK, apart(spans), 1.0, reason) if spans else PASSED

    return judge


def apart(spans: Sequence[Span]) -> tuple[Span, ...]:
    """``spans`` in order, without overlaps: of two that overlap, the later one begins where the earlier one ends.

    Whether a span is kept depends on earlier ones alone, so the verdict on a text that is still growing is final as
    soon as each span is. No character that was found is left out.
    """
    kept: list[Span] = []
    end = 0
    for span in sorted(spans, key=lambda each: (each.start, -each.end)):
        if span.end > end:
            kept.append(span if span.start >= end else Span(end, span.end, span.kind, span.replacement))
            end = span.end
    return tuple(kept)


def blocked(reason: str, score: float = 1.0) -> Verdict:
    """The verdict of a guard that cannot say which part of a text is wrong."""
    return Verdict(Action.BLOCK, score=score, reason=reason)
