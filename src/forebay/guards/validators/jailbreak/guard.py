"""Blocks jailbreaks and prompt injections, by a small classifier that runs everywhere and is right most of the time.

It knows how such texts are worded, not what they mean; ``docs/validators.md`` has its figures. It must see the whole
text: of a stream it holds everything back, so it belongs on input and tool results.
"""

from typing import Annotated

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import Action, Context, Verdict
from forebay.guards.function import Judged
from forebay.guards.validators.jailbreak.model import shipped
from forebay.plugins import GuardPlugin, GuardTools

AT_ONCE = 0  # even a short one takes longer than handing it to a thread
REASON = "it is worded like a jailbreak or a prompt injection"


class JailbreakSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which probability on a text is an attack: a lower ``threshold`` finds more, and accuses more."""

    threshold: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.6


def _build(settings: JailbreakSettings, _tools: GuardTools) -> Guard:
    model = shipped()

    def judge(text: str, _context: Context) -> Verdict:
        score = model.score(text)
        if score < settings.threshold:
            return Verdict(Action.PASS, score=score)
        return Verdict(Action.BLOCK, score=score, reason=REASON)

    return Judged(judge, None, AT_ONCE)


plugin = GuardPlugin(JailbreakSettings, _build)
