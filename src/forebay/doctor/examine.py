"""Asks every rule, and sorts what they find: the worst first."""

from collections.abc import Sequence
from typing import Final

from forebay.doctor.facts import Facts, line_of
from forebay.doctor.rule import Finding, Severity
from forebay.doctor.rules import RULES

ORDER: Final[Sequence[Severity]] = ("error", "warning", "info")


def examine(facts: Facts) -> Sequence[Finding]:
    """All debts of a system."""
    found = [
        Finding(
            rule.id, rule.severity, spot.path, spot.line or line_of(facts.root, spot.path), spot.message, rule.remedy
        )
        for rule in RULES
        for spot in rule.find(facts)
    ]
    return sorted(found, key=rank)


def rank(finding: Finding) -> tuple[int, str, str]:
    """By which findings are sorted."""
    return ORDER.index(finding.severity), finding.rule, finding.path
