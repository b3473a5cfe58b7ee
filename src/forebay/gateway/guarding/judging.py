"""One guard asked about one text: in time, or with a failure; never with nonsense.

A guard is foreign code. It may raise, hang, or answer with something that is no verdict: all that is the same failure.
"""

import asyncio
import hashlib
import hmac
import logging
import os
import time

import msgspec

from forebay.core.ports import Auditor
from forebay.core.story import Heard, kinds
from forebay.core.types import Call
from forebay.core.verdicts import PASSED, Action, Context, Found, Judgement, Span, Verdict
from forebay.gateway.guarding.reaction import Reaction
from forebay.gateway.guarding.rules import Rule

logger = logging.getLogger("forebay.guards")

_KEY = os.urandom(32)
MAX_SPANS = 64
"""How many spans the audit keeps of one text."""
MOST_SPANS = 10_000
"""A guard that finds more than that in one text has not judged it: working on all of them would hold up everybody."""


class NonsenseError(ValueError):
    """What a guard answered is no verdict about the text."""


class Silent:
    """An auditor for where nobody asks."""

    def judged(self, judgement: Judgement) -> None:
        """Take no note."""

    def held(self, seconds: float) -> None:
        """Take no note."""


class Judging:
    """Asks guards in the course of ``call`` and tells the auditor; ``policy`` is that of all guards."""

    def __init__(self, call: Call, auditor: Auditor, policy: str = "") -> None:
        self._call = call
        self._auditor = auditor
        self._policy = policy

    async def ask(self, rule: Rule, text: str, context: Context) -> tuple[Verdict | None, str]:
        """The verdict, or ``None`` and why there is none."""
        try:
            async with asyncio.timeout(rule.settings.timeout_ms / 1000):
                verdict = await rule.guard.check(text, context)
            return sound(verdict, text), ""
        except TimeoutError:
            return None, "timeout"
        except Exception as error:  # noqa: BLE001  # a guard is foreign code: whatever it raises, it has not judged
            logger.warning("guard %s failed: %s", rule.name, type(error).__name__)
            return None, type(error).__name__

    async def timed(self, work: "Work", text: str, context: Context) -> tuple[Verdict | None, str]:
        """The same for the rule of ``work``, which is told how long it took."""
        began = time.perf_counter()
        try:
            return await self.ask(work.rule, text, context)
        finally:
            work.seconds += time.perf_counter() - began

    def note(self, work: "Work", wanted: Reaction, context: Context) -> None:
        """Tell what became of a text."""
        rule, call, verdict = work.rule, self._call, work.verdict
        action = "error" if work.error else verdict.action.value
        found = kinds([each.kind for each in work.spans[:MAX_SPANS]])
        call.trace.story.hear(
            Heard(rule.name, context.side.value, action, wanted.value, work.seconds, verdict.score, found, work.error)
        )
        self._auditor.judged(
            Judgement(
                time.time(),
                call.id,
                call.principal.name,
                call.principal.tenant,
                call.request.model,
                self._policy,
                rule.name,
                rule.kind,
                rule.version,
                context.side.value,
                action,
                wanted.value,
                work.seconds,
                verdict.score,
                tuple(work.spans[:MAX_SPANS]),
                work.error,
            )
        )


class Work(msgspec.Struct):
    """What one rule had to do with one text so far, and the worst that it said."""

    rule: Rule
    verdict: Verdict = PASSED
    outcome: Reaction = Reaction.PASS
    seconds: float = 0.0
    spans: list[Found] = []
    error: str = ""

    def found(self, span: Span, text: str, base: int) -> None:
        """Keep a span of ``text``, which begins at ``base``."""
        if len(self.spans) < MAX_SPANS:
            digest = hmac.new(_KEY, text[span.start : span.end].encode("utf-8", "surrogatepass"), hashlib.sha256)
            self.spans.append(Found(base + span.start, base + span.end, span.kind, digest.hexdigest()[:16]))


def sound(verdict: object, text: str) -> Verdict:
    """``verdict``, if it is one about ``text``.

    Raises:
        NonsenseError: it is none.
    """
    if not isinstance(verdict, Verdict) or not isinstance(verdict.action, Action):
        raise NonsenseError("no verdict")
    score = verdict.score
    if score is not None and not (isinstance(score, (int, float)) and 0 <= score <= 1):
        raise NonsenseError("a score outside of 0 to 1")
    if len(verdict.spans) > MOST_SPANS:
        raise NonsenseError("too many spans")
    end = 0
    for span in verdict.spans:
        if not isinstance(span, Span) or not end <= span.start <= span.end <= len(text):
            raise NonsenseError("spans that are out of order or outside of the text")
        if not isinstance(span.kind, str) or not isinstance(span.replacement, (str, type(None))):
            raise NonsenseError("a span of the wrong type")
        end = span.end
    return verdict
