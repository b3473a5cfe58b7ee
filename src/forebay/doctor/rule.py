"""What a rule is, and what it finds."""

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from forebay.doctor.facts import Facts

Severity = Literal["info", "warning", "error"]


class Spot(msgspec.Struct, frozen=True):
    """Where something was found: a path such as ``models.fast``, and what is the matter there.

    The path leads into the configuration, or is ``prompts.ID``, ``keys.NAME`` or a part of the usage. ``line`` is there
    where no path leads.
    """

    path: str
    message: str
    line: int = 0


class Rule(msgspec.Struct, frozen=True):
    """One kind of debt: how bad it is, what to do about it, and what finds it."""

    id: str
    severity: Severity
    title: str
    remedy: str
    find: Callable[[Facts], Iterable[Spot]]


class Finding(msgspec.Struct, frozen=True):
    """One debt. ``line`` is that of the configuration file (0: of none)."""

    rule: str
    severity: Severity
    path: str
    line: int
    message: str
    remedy: str
