"""The guards at work on one call: which rules there are on each side, and the passages that texts take past them."""

from collections.abc import Mapping

import msgspec

from forebay.core.ports import Auditor
from forebay.core.types import Call
from forebay.core.verdicts import Context, Side, Span
from forebay.gateway.guarding.beside import Beside
from forebay.gateway.guarding.escapes import Unescaping
from forebay.gateway.guarding.judging import Judging, Work
from forebay.gateway.guarding.passage import Filter, Passage, steps
from forebay.gateway.guarding.reaction import reaction, replaced
from forebay.gateway.guarding.rules import Rule, Rules
from forebay.gateway.guarding.vault import Vault, from_json, in_json, plainly


class Inspection:
    """All that is known of one call; ``context`` is the same for all its texts but for the side."""

    def __init__(self, call: Call, rules: Rules, judging: Judging, auditor: Auditor, beside: Beside) -> None:
        self.call = call
        self.vault = Vault(call.principal, "")
        self.auditor = auditor
        self._rules: Mapping[Side, Rules] = {side: tuple(r for r in rules if side in r.sides) for side in Side}
        self._judging = judging
        self._beside = beside
        self._context = Context(Side.INPUT, call.principal.tenant, call.request.model, call.id)

    @property
    def asks_again(self) -> int:
        """How often an answer may be asked for again."""
        rules = (*self._rules[Side.OUTPUT], *self._rules[Side.TOOL_ARGUMENTS])
        return max((rule.settings.reasks for rule in rules if rule.asks_again), default=0)

    @property
    def changes_replies(self) -> bool:
        """Whether anything of a reply may be stopped or changed, or has to be put back."""
        return bool(self.vault) or any(self.enforces(side) for side in (Side.OUTPUT, Side.TOOL_ARGUMENTS))

    def enforces(self, side: Side) -> bool:
        """Whether a text on ``side`` may be stopped or changed."""
        return any(rule.enforced for rule in self._rules[side])

    def judges(self, side: Side) -> bool:
        """Whether anybody looks at texts on ``side``."""
        return bool(self._rules[side])

    def knows(self, context: Context) -> None:
        """From now on guards are told ``context``."""
        self._context = context

    def of_request(self, side: Side) -> Passage:
        """The passage of one text of the request."""

        def substitute(rule: Rule, span: Span, text: str) -> str:
            if span.replacement is not None or rule.settings.masks == "permanent":
                return replaced(span)
            return self.vault.placeholder(span.kind, from_json(text) if side is Side.TOOL_ARGUMENTS else text)

        context = self._on(side)
        return Passage(self._before(side) + steps(self._rules[side], self._judging, context, substitute))

    def of_reply(self, side: Side) -> Passage:
        """The passage of one text of the reply."""
        context = self._on(side)
        filters = self._before(side)
        filters += steps(self._rules[side], self._judging, context, lambda _rule, span, _text: replaced(span))
        if self.vault:
            filters.append(self.vault.restoring(in_json if side is Side.TOOL_ARGUMENTS else plainly))
        return Passage(filters)

    async def watch(self, side: Side, text: str) -> None:
        """Let those that only watch judge ``text``, without waiting for them."""
        context = self._on(side)
        for rule in self._rules[side]:
            if not rule.enforced:
                await self._beside.run(self._watched(rule, text, context))

    async def _watched(self, rule: Rule, text: str, context: Context) -> None:
        work = Work(rule)
        verdict, work.error = await self._judging.timed(work, text, context)
        if verdict is not None:
            work.verdict = verdict
            for span in verdict.spans:
                work.found(span, text, 0)
        self._judging.note(work, reaction(rule, work.verdict), context)

    def _before(self, side: Side) -> list[Filter]:
        """What a text goes through before the first rule."""
        watched = any(not rule.enforced for rule in self._rules[side])
        filters: list[Filter] = [Unescaping()] if side is Side.TOOL_ARGUMENTS and self._rules[side] else []
        return [*filters, _Watched(self, side)] if watched else filters

    def _on(self, side: Side) -> Context:
        return msgspec.structs.replace(self._context, side=side)


class _Watched:
    """Lets a text through at once, and has it judged when it is whole."""

    def __init__(self, inspection: Inspection, side: Side) -> None:
        self._inspection = inspection
        self._side = side
        self._pieces: list[str] = []

    async def feed(self, piece: str) -> str:
        self._pieces.append(piece)
        return piece

    async def end(self, piece: str) -> str:
        self._pieces.append(piece)
        await self._inspection.watch(self._side, "".join(self._pieces))
        return piece
