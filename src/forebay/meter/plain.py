"""What a record leaves out because it was plain: the one attempt that was enough."""

from collections.abc import Sequence

from forebay.core.types import Attempt, Record


def attempts(record: Record) -> Sequence[Attempt]:
    """All attempts of ``record``."""
    told = record.story
    if record.attempts or told is None or not told.asked:
        return record.attempts
    ended = record.latency if record.stream else told.asked + record.provider or record.latency
    return (Attempt(record.model, record.deployment, "first", told.asked, ended, record.outcome, span=told.span),)
