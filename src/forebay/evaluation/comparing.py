"""What changed between two evaluations of the same cases, and whether that is a regression."""

from collections.abc import Sequence

import msgspec

from forebay.evaluation.intervals import Interval, mcnemar, paired_difference
from forebay.evaluation.results import Result, Results


class Change(msgspec.Struct, frozen=True):
    """A case that passes now and did not, or the other way round."""

    id: str
    before: Result
    after: Result


class Comparison(msgspec.Struct, frozen=True):
    """The cases that both have: which ``broke``, which were ``mended``, and how the share that passes has moved.

    ``chance`` is how likely so uneven a split of the changes is, if nothing has changed (McNemar's exact test).
    """

    common: int
    broke: Sequence[Change]
    mended: Sequence[Change]
    difference: Interval
    chance: float
    missing: Sequence[str]

    def is_regression(self, allowed: float) -> bool:
        """Whether clearly fewer cases pass, or fewer by more than the share ``allowed``."""
        return self.difference.high < 0 or self.difference.value < -allowed


def compare(before: Results, after: Results) -> Comparison | None:
    """What changed; ``None`` if they have no case in common."""
    known = {each.id: each for each in before.results}
    pairs = [(known[each.id], each) for each in after.results if each.id in known]
    if not pairs:
        return None
    changes = [Change(new.id, old, new) for old, new in pairs if old.passed != new.passed]
    broke = [each for each in changes if each.before.passed]
    mended = [each for each in changes if each.after.passed]
    difference = paired_difference([float(old.passed) for old, _ in pairs], [float(new.passed) for _, new in pairs])
    missing = sorted(known.keys() - {each.id for each in after.results})
    return Comparison(len(pairs), broke, mended, difference, mcnemar(len(broke), len(mended)), missing)
