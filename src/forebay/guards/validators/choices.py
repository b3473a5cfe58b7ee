"""A text that must be one of a few: a label, a yes or a no."""

from typing import Annotated

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import PASSED, Context, Verdict
from forebay.guards.function import Judged
from forebay.guards.validators.base import blocked
from forebay.plugins import GuardPlugin, GuardTools

AT_ONCE = 2_000


class ChoicesSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``choices``; white space around a text is nobody's business."""

    choices: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    ignore_case: bool = False


def _build(settings: ChoicesSettings, _tools: GuardTools) -> Guard:
    def folded(text: str) -> str:
        return text.strip().casefold() if settings.ignore_case else text.strip()

    choices = frozenset(map(folded, settings.choices))
    longest = 4 * max(map(len, choices)) + 4  # whatever case folding makes of it
    reason = "it is none of: " + ", ".join(settings.choices)

    def judge(text: str, _context: Context) -> Verdict:
        stripped = text.strip()
        return PASSED if len(stripped) <= longest and folded(stripped) in choices else blocked(reason)

    return Judged(judge, None, AT_ONCE)


plugin = GuardPlugin(ChoicesSettings, _build)
