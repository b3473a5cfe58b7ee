"""What has changed between two outcomes, and over all of them; and whether that is too much."""

import math
import re
from collections.abc import Sequence
from statistics import fmean, median
from typing import Final

import msgspec

from forebay.cli.replay.exchange import OK, Exchange, Outcome
from forebay.cli.replay.failures import ReplayError

RULE: Final = re.compile(r"(similarity|latency|cost|errors|verdicts)\s*([<>])\s*([0-9]+(?:\.[0-9]+)?)")


class Difference(msgspec.Struct, frozen=True):
    """One request then and now; ``similarity`` of the answers is there where both are."""

    id: str
    model: str
    before: Outcome
    after: Outcome
    similarity: float | None = None

    @property
    def fails_now(self) -> bool:
        """Whether it failed now and did not then."""
        return self.before.status == OK != self.after.status

    @property
    def is_judged_otherwise(self) -> bool:
        """Whether guards say something else, as far as both sides tell."""
        then, now = self.before.verdicts, self.after.verdicts
        return then is not None and now is not None and then != now


class Summary(msgspec.Struct, frozen=True):
    """All differences: median latencies in seconds, and in dollars the costs of what is priced on both sides."""

    requests: int
    method: str
    similarity: float | None
    least_similar: float | None
    latency_before: float
    latency_after: float
    cost_before: float
    cost_after: float
    priced: int
    errors: int
    verdicts: int

    @property
    def figures(self) -> dict[str, float | None]:
        """What rules are about; ``None``: there is no such figure."""
        return {
            "similarity": self.similarity,
            "latency": self.latency_after / self.latency_before if self.latency_before else None,
            "cost": self.cost_after / self.cost_before if self.cost_before else None,
            "errors": float(self.errors),
            "verdicts": float(self.verdicts),
        }


def difference(exchange: Exchange, before: Outcome, after: Outcome, similarity: float | None) -> Difference:
    """The difference of one request."""
    return Difference(exchange.id, str(exchange.body.get("model", "")), before, after, similarity)


def summary(found: Sequence[Difference], method: str) -> Summary:
    """All of ``found``, of which there is at least one."""
    alike = [each.similarity for each in found if each.similarity is not None]
    answered = [each for each in found if each.before.status == each.after.status == OK] or found
    priced = [(each.before.cost, each.after.cost) for each in found]
    both = [(then, now) for then, now in priced if then is not None and now is not None]
    return Summary(
        len(found),
        method,
        fmean(alike) if alike else None,
        min(alike) if alike else None,
        median(each.before.latency for each in answered),
        median(each.after.latency for each in answered),
        math.fsum(then for then, _ in both),
        math.fsum(now for _, now in both),
        len(both),
        sum(each.fails_now for each in found),
        sum(each.is_judged_otherwise for each in found),
    )


class Rule(msgspec.Struct, frozen=True):
    """One of ``--fail-if``."""

    text: str
    name: str
    below: bool
    limit: float

    def holds(self, found: Summary) -> bool:
        """Whether it holds; a figure that is not there is a failure too: what was asked for cannot be told."""
        figure = found.figures[self.name]
        return figure is None or (figure < self.limit if self.below else figure > self.limit)


def rule(text: str) -> Rule:
    """The rule that ``text`` says.

    Raises:
        ReplayError: none.
    """
    found = RULE.fullmatch(text.strip())
    if found is None:
        raise ReplayError(f"--fail-if '{text}' is no rule, such as 'similarity<0.8' or 'latency>1.5'.")
    return Rule(text, found[1], found[2] == "<", float(found[3]))
