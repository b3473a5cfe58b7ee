"""A text on its way past the rules, in pieces or whole: a character leaves only when every rule has cleared it.

Rules that may change the text have their turn one after the other, each on what the one before let through. Those that
can only stop it come last and judge the same text at the same time. A step holds back what its guards may still change
their mind about; when the text ends it judges the rest. A whole text is the case of one piece.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from forebay.core.ports import REACH
from forebay.core.verdicts import Context, Span
from forebay.gateway.guarding.judging import Judging, Work
from forebay.gateway.guarding.reaction import CHANGES, STOPS, Reaction, Violation, reaction, reason_of
from forebay.gateway.guarding.rules import Rule, Rules

STRIDE: Final = 8
"""A step judges again when an eighth of what it holds back could be let go, instead of for each token."""

Substitute = Callable[[Rule, Span, str], str]
"""What is put in the place of a span whose text is the last argument."""


class Filter(Protocol):
    """What a text goes through in pieces."""

    async def feed(self, piece: str, /) -> str:
        """What may go on of all that has come.

        Raises:
            Violation: nothing more may.
        """
        ...

    async def end(self, piece: str, /) -> str:
        """What is left, ``piece`` being the last.

        Raises:
            Violation: it may not go on.
        """
        ...


class Passage:
    """All filters of a text in their order."""

    def __init__(self, filters: Sequence[Filter]) -> None:
        self._filters = tuple(filters)

    async def feed(self, piece: str) -> str:
        """What may leave of all that has come.

        Raises:
            Violation: a rule does not let it pass.
        """
        for each in self._filters:
            if not piece:
                return ""
            piece = await each.feed(piece)
        return piece

    async def end(self, piece: str = "") -> str:
        """What is left, ``piece`` being the last.

        Raises:
            Violation: a rule does not let it pass.
        """
        for each in self._filters:
            piece = await each.end(piece)
        return piece


def steps(rules: Rules, judging: Judging, context: Context, substitute: Substitute) -> list[Filter]:
    """The rules of a side as the steps of a passage; those that only watch are none."""
    found: list[Filter] = [Step((rule,), judging, context, substitute) for rule in rules if rule.changes]
    blocking = tuple(rule for rule in rules if rule.enforced and not rule.changes)
    return [*found, Step(blocking, judging, context, substitute)] if blocking else found


class Step:
    """One rule, or several that change nothing, and the end of the text that they have not cleared.

    `_text` begins `_base` characters into the whole and holds, before what waits, `REACH` characters that have gone.
    """

    def __init__(self, rules: Rules, judging: Judging, context: Context, substitute: Substitute) -> None:
        self._work = [Work(rule) for rule in rules]
        self._judging = judging
        self._context = context
        self._substitute = substitute
        holds = [rule.lookbehind for rule in rules]
        self._hold = None if None in holds else max(each or 0 for each in holds)
        self._stride = 1 + (self._hold or 0) // STRIDE
        self._pieces: list[str] = []
        self._text = ""
        self._gone = 0
        self._base = 0

    async def feed(self, piece: str) -> str:
        """What the guards are sure about."""
        if self._hold is None:
            self._pieces.append(piece)
            return ""
        self._text += piece
        final = len(self._text) - self._hold
        return await self._judged(final) if final - self._gone >= self._stride else ""

    async def end(self, piece: str) -> str:
        """The rest, which is now whole; an empty text is judged too."""
        self._pieces.append(piece)
        self._text += "".join(self._pieces)
        self._pieces.clear()
        left = ""
        if self._gone < len(self._text) or not self._base + self._gone:
            left = await self._judged(len(self._text) + 1)
        for work in self._work:
            if not work.error:
                self._note(work, work.outcome)
        return left

    async def _judged(self, final: int) -> str:
        """Let go what stands before ``final``, and the spans that begin there."""
        text = self._text
        if len(self._work) == 1:  # a task for nothing would cost more than many a guard
            cuts = [await self._asked(self._work[0], text, final)]
        else:
            cuts = await asyncio.gather(*(self._asked(work, text, final) for work in self._work))
        stopped = [each for each in cuts if isinstance(each, _Stop)]
        if stopped:
            raise min(stopped, key=lambda each: each.at).violation
        changes = next((each for each in cuts if isinstance(each, list) and each), [])
        if not changes:
            return self._let_go(text[self._gone : final], min(final, len(text)))
        return await self._changed(text, final, changes)

    async def _asked(self, work: Work, text: str, final: int) -> "list[Span] | _Stop":
        """The spans that are to be changed, or what stops the text."""
        verdict, error = await self._judging.timed(work, text, self._context)
        if verdict is None:
            return self._failed(work, error)
        wanted = reaction(work.rule, verdict)
        if wanted is Reaction.PASS:
            return []
        spans = verdict.spans or (Span(0, len(text), ""),)
        late = wanted in STOPS and not self._base
        new = [span for span in spans if span.start < final and (late or self._is_new(span))]
        if not new:
            return []
        work.verdict, work.outcome = verdict, wanted
        for span in new:
            work.found(span, text, self._base)
        if wanted in CHANGES:
            return [self._filled(work.rule, span, text, wanted) for span in new]
        if wanted is Reaction.NOTE:
            return []
        self._note(work, wanted)
        return _Stop(new[0].start, Violation(work.rule, wanted, reason_of(verdict, text), text))

    def _failed(self, work: Work, error: str) -> "list[Span] | _Stop":
        told, work.error = bool(work.error), error
        if work.rule.settings.on_error == "open":
            if not told:
                self._note(work, Reaction.PASS)
            return []
        self._note(work, Reaction.FAIL)
        return _Stop(-1, Violation(work.rule, Reaction.FAIL))

    def _is_new(self, span: Span) -> bool:
        """Whether it is not about what has gone: that was judged then.

        What stops a text and appears late stops it all the same, unless the text's beginning was cut off: there a guard
        may see what is not.
        """
        return span.end > self._gone or span.start >= self._gone

    def _filled(self, rule: Rule, span: Span, text: str, wanted: Reaction) -> Span:
        instead = "" if wanted is Reaction.FILTER else self._substitute(rule, span, text[span.start : span.end])
        return Span(span.start, span.end, span.kind, instead)

    async def _changed(self, text: str, final: int, spans: list[Span]) -> str:
        (work,) = self._work
        pieces, at = [], self._gone
        for span in spans:
            pieces += [text[at : max(at, span.start)], span.replacement or ""]
            at = max(at, span.end)
        pieces.append(text[at:final])
        changed = "".join(pieces)
        if work.rule.asks_again:
            await self._checked_again(work, changed)
        return self._let_go(changed, min(max(at, final), len(text)))

    async def _checked_again(self, work: Work, changed: str) -> None:
        """What was mended has to pass now; else the model is asked again."""
        verdict, error = await self._judging.timed(work, changed, self._context)
        if verdict is None:
            stop = self._failed(work, error)
            if isinstance(stop, _Stop):
                raise stop.violation
        elif reaction(work.rule, verdict) is not Reaction.PASS:
            self._note(work, Reaction.REASK)
            raise Violation(work.rule, Reaction.REASK, reason_of(verdict, changed), changed)

    def _let_go(self, changed: str, gone: int) -> str:
        self._gone = gone
        if gone > 2 * REACH:
            self._base += gone - REACH
            self._text = self._text[gone - REACH :]
            self._gone = REACH
        return changed

    def _note(self, work: Work, wanted: Reaction) -> None:
        self._judging.note(work, wanted, self._context)


class _Stop:
    """Why a text stops, and where."""

    def __init__(self, at: int, violation: Violation) -> None:
        self.at = at
        self.violation = violation
