"""Findings in the form that code hosts show beside the lines they are about.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) 2.1.0.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from forebay import __version__
from forebay.doctor.rule import Finding, Rule

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: Final = {"info": "note", "warning": "warning", "error": "error"}


def sarif(findings: Sequence[Finding], rules: Sequence[Rule], file: str) -> Mapping[str, Any]:
    """A log of one run; ``file`` is the configuration's, relative to where it was run."""
    numbers = {rule.id: number for number, rule in enumerate(rules)}
    driver = {"name": "forebay doctor", "version": __version__, "rules": [_rule(each) for each in rules]}
    run = {"tool": {"driver": driver}, "results": [_result(each, numbers[each.rule], file) for each in findings]}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> Mapping[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.title.replace("'", "").split()),
        "shortDescription": {"text": rule.title},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
    }


def _result(finding: Finding, number: int, file: str) -> Mapping[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": file}}
    if finding.line:
        place["region"] = {"startLine": finding.line}
    return {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": LEVELS[finding.severity],
        "message": {"text": f"{finding.path}: {finding.message}. {finding.remedy}"},
        "locations": [{"physicalLocation": place, "logicalLocations": [{"fullyQualifiedName": finding.path}]}],
        "partialFingerprints": {"place/v1": f"{finding.rule}:{finding.path}"},
    }
