"""Debts of guards: that only look, look away, or let pass what they cannot judge."""

from collections.abc import Iterator
from typing import Final

from forebay.doctor.facts import WEEK, Facts, line_of
from forebay.doctor.rule import Rule, Spot

_PATIENCE: Final = 2 * WEEK


def _monitoring(facts: Facts) -> Iterator[Spot]:
    for name, guard in facts.settings.guards.items():
        path = f"guards.{name}.mode"
        age = facts.ages.get(line_of(facts.root, path), 0.0)
        if guard.rule.mode == "monitor" and age >= _PATIENCE:
            yield Spot(path, f"has only been watching for {int(age // WEEK)} weeks: what it finds goes through")


def _open(facts: Facts) -> Iterator[Spot]:
    for name, guard in facts.settings.guards.items():
        if guard.rule.on_error == "open" and guard.rule.mode == "enforce":
            yield Spot(f"guards.{name}.on_error", "whoever makes it fail, by a long text say, gets past it")


def _sampled(facts: Facts) -> Iterator[Spot]:
    for name, guard in facts.settings.guards.items():
        share = guard.rule.sample_rate
        if share < 1 and guard.rule.mode == "enforce":
            yield Spot(f"guards.{name}.sample_rate", f"lets {1 - share:.0%} of all calls pass unseen")


def _nobodys(facts: Facts) -> Iterator[Spot]:
    if facts.settings.models and not facts.settings.guards and not facts.is_behind:
        yield Spot("guards", "no text is checked, whoever asks for whatever")


RULES: Final = (
    Rule(
        "FB601",
        "warning",
        "Guard in monitor mode for weeks",
        "Look at its verdicts, then enforce it or remove it.",
        _monitoring,
    ),
    Rule("FB602", "warning", "Guard that fails open", "Set 'on_error: closed', or a longer 'timeout_ms'.", _open),
    Rule(
        "FB603", "warning", "Guard that judges some calls only", "Set 'sample_rate: 1', or 'mode: monitor'.", _sampled
    ),
    Rule("FB604", "info", "No guards", "Begin with 'secrets' and 'pii' (docs/guards.md).", _nobodys),
)
