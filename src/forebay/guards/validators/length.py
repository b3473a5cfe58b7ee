"""How long a text may be, and how long it must be."""

import re
from typing import Annotated, Literal

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import PASSED, Action, Context, Span, Verdict
from forebay.guards.function import Judged
from forebay.guards.validators.base import blocked
from forebay.plugins import GuardPlugin, GuardTools

AT_ONCE = 2_000
PARTS = {"characters": re.compile(r"(?s)."), "words": re.compile(r"\S+"), "lines": re.compile(r"[^\n]*\n|[^\n]+")}


class LengthSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From ``min`` to ``max`` characters, words (parted by white space) or lines."""

    min: Annotated[int, msgspec.Meta(ge=0)] = 0
    max: Annotated[int, msgspec.Meta(ge=0)] | None = None
    unit: Literal["characters", "words", "lines"] = "characters"

    def __post_init__(self) -> None:
        """Refuse what no text can have."""
        if self.max is None and not self.min:
            raise ValueError("give min, max or both")
        if self.max is not None and self.max < self.min:
            raise ValueError("max is less than min")


class Length:
    """Blocks what is too short; of what is too long masks the rest, with nothing."""

    def __init__(self, settings: LengthSettings) -> None:
        self._settings = settings

    def __call__(self, text: str, _context: Context) -> Verdict:
        """What follows from the length of ``text``."""
        unit, least, most = self._settings.unit, self._settings.min, self._settings.max
        count = end = 0
        for part in PARTS[unit].finditer(text):
            count += 1
            if most is not None and count > most:
                reason = f"it has more than {most} {unit}"
                return Verdict(Action.MASK, (Span(end, len(text), "length", ""),), 1.0, reason)
            end = part.end()
        return PASSED if count >= least else blocked(f"it has fewer than {least} {unit}")


def _build(settings: LengthSettings, _tools: GuardTools) -> Guard:
    return Judged(Length(settings), None, AT_ONCE)


plugin = GuardPlugin(LengthSettings, _build)
