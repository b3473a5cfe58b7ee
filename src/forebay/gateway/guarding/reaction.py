"""What follows from a verdict, by the names that Guardrails AI gave to it.

Whatever cannot be done becomes `REFUSE`: nothing passes because a way of mending it is missing.
"""

import enum
from collections.abc import Mapping

from forebay.core.errors import ContentFilterError, ForebayError, UnavailableError
from forebay.core.verdicts import Action, Span, Verdict
from forebay.gateway.guarding.rules import Rule


class Reaction(enum.Enum):
    """What is done with a text; the value is the outcome in the audit."""

    PASS = "passed"  # noqa: S105  # no password
    NOTE = "noted"
    FIX = "fixed"
    FILTER = "filtered"
    REFUSE = "refused"
    REFRAIN = "refrained"
    REASK = "reasked"
    FAIL = "failed"


_BY_NAME: Mapping[str | None, Reaction] = {
    "noop": Reaction.NOTE,
    "exception": Reaction.REFUSE,
    "fix": Reaction.FIX,
    "filter": Reaction.FILTER,
    "refrain": Reaction.REFRAIN,
    "reask": Reaction.REASK,
    "fix_reask": Reaction.FIX,
}
_BY_ACTION = {Action.MASK: Reaction.FIX, Action.BLOCK: Reaction.REFUSE}
CHANGES = frozenset({Reaction.FIX, Reaction.FILTER})
STOPS = frozenset({Reaction.REFUSE, Reaction.REFRAIN, Reaction.REASK})


def reaction(rule: Rule, verdict: Verdict) -> Reaction:
    """What follows from the ``verdict`` of the rule's guard."""
    if verdict.action is Action.PASS:
        return Reaction.PASS
    if verdict.action is Action.FLAG or not rule.enforced:
        return Reaction.NOTE
    name = rule.settings.on_fail
    wanted = _BY_ACTION[verdict.action] if name is None else _BY_NAME[name]
    if wanted is Reaction.FIX and not verdict.spans:
        return Reaction.REASK if name == "fix_reask" else Reaction.REFUSE
    return wanted


class Violation(Exception):  # noqa: N818  # it is one
    """A text may not pass: by which rule, what follows, why, and what the guard saw."""

    def __init__(self, rule: Rule, wanted: Reaction, reason: str = "", text: str = "") -> None:
        super().__init__(rule.name)
        self.rule = rule
        self.reaction = wanted
        self.reason = reason
        self.text = text

    def error(self, param: str | None = None) -> ForebayError:
        """As the client is told; the text is not repeated."""
        name = self.rule.name
        if self.reaction is Reaction.FAIL:
            return UnavailableError(f"The guard '{name}' could not judge the text; try again.", code="guard_failed")
        what = f"'{param}'" if param else "the answer"
        because = f": {self.reason.rstrip('.')}." if self.reason else "."
        return ContentFilterError(f"The guard '{name}' does not let {what} pass{because}", param=param)


def reason_of(verdict: Verdict, text: str) -> str:
    """The guard's reason, unless it repeats what it was about."""
    reason = verdict.reason
    if any(text[span.start : span.end] in reason for span in verdict.spans if span.end > span.start):
        return ""
    return "" if len(text) > 0 and text in reason else reason


def replaced(span: Span) -> str:
    """What stands in place of ``span`` where nothing need ever be put back."""
    return f"[{span.kind.upper() or 'REMOVED'}]" if span.replacement is None else span.replacement
