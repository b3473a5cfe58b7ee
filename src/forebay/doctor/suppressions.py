"""False alarms that somebody has explained: which rule, where, why, and until when."""

import datetime as dt
import fnmatch
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import yaml

from forebay.doctor.rule import Finding, Rule

NAME: Final = ".forebay-doctor.yaml"
MOST_BYTES: Final = 256 * 1024

EXPIRED: Final = Rule(
    "FB901", "warning", "Suppression that has ended", "Settle the debt, or decide anew.", lambda _: ()
)
NEEDLESS: Final = Rule("FB902", "info", "Suppression of nothing", "Remove it.", lambda _: ())
RULES: Final = (EXPIRED, NEEDLESS)


class SuppressionError(ValueError):
    """The file of suppressions is none; the message says why."""


class Suppression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is not told of a ``rule`` at paths that ``at`` matches (``*`` is any text), through the day ``until``."""

    rule: Annotated[str, msgspec.Meta(pattern=r"^FB\d{3}$")]
    reason: Annotated[str, msgspec.Meta(min_length=10)]
    until: dt.date
    at: str = "*"

    def covers(self, finding: Finding) -> bool:
        """Whether it is about ``finding``."""
        return finding.rule == self.rule and fnmatch.fnmatchcase(finding.path, _literal_brackets(self.at))


class SuppressionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds."""

    suppress: tuple[Suppression, ...] = ()


def read(path: Path) -> Sequence[Suppression]:
    """The suppressions in the file at ``path``; none if there is no file.

    Raises:
        SuppressionError: it is not as it should be.
    """
    if not path.exists():
        return ()
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES).decode("utf-8-sig")
        return msgspec.convert(yaml.safe_load(text) or {}, SuppressionFile).suppress
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, msgspec.ValidationError) as error:
        raise SuppressionError(f"{path}: {error}") from None


def applied(findings: Sequence[Finding], given: Sequence[Suppression], today: dt.date) -> Iterator[Finding]:
    """Those of ``findings`` that nobody has explained, and what is the matter with the explanations."""
    active = [each for each in given if each.until >= today]
    for finding in findings:
        if not any(each.covers(finding) for each in active):
            yield finding
    for number, each in enumerate(given):
        path = f"suppress[{number}]"
        if each.until < today:
            yield _finding(EXPIRED, path, f"that of {each.rule} at '{each.at}' ended on {each.until}: {each.reason}")
        elif not any(each.covers(finding) for finding in findings):
            yield _finding(NEEDLESS, path, f"nothing is found of {each.rule} at '{each.at}' any more")


def _finding(rule: Rule, path: str, message: str) -> Finding:
    return Finding(rule.id, rule.severity, path, 0, message, rule.remedy)


def _literal_brackets(pattern: str) -> str:
    return pattern.replace("[", "[[]")
