"""A text tried on guards, without a call: what each of them says, and what would become of the text."""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from forebay.core.errors import NotFoundError
from forebay.core.ports import Auditor
from forebay.core.types import Call, Operation, Principal, Request, Trace
from forebay.core.verdicts import PASSED, Action, Context, Side, Verdict
from forebay.gateway.guarding.beside import Beside
from forebay.gateway.guarding.inspection import Inspection
from forebay.gateway.guarding.judging import Judging, Silent, Work
from forebay.gateway.guarding.reaction import Reaction, Violation, reaction
from forebay.gateway.guarding.rules import Policies, Rule, Rules
from forebay.gateway.guarding.vault import Vault


class Opinion(msgspec.Struct, frozen=True):
    """What one rule says about a text, and what would follow from that; with an ``error`` it could not say anything."""

    rule: Rule
    verdict: Verdict
    outcome: Reaction
    seconds: float
    error: str = ""


class Tried(msgspec.Struct, frozen=True):
    """What became of a text: ``None``, if it would not pass, and then by which violation."""

    opinions: Sequence[Opinion]
    text: str | None
    violation: Violation | None = None


class Trial:
    """Tries texts on the rules of ``policies``: each principal on those that hold for it, an administrator on all."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def rules(self, principal: Principal, model: str = "") -> Rules:
        """The rules that ``principal`` may try."""
        return self._policies.all if principal.admin else self._policies.holding(_call(principal, model, ""))

    def named(self, principal: Principal, names: Sequence[str], model: str = "") -> Rules:
        """Those of them that are called ``names``.

        Raises:
            NotFoundError: one is not among them.
        """
        known = {rule.name: rule for rule in self.rules(principal, model)}
        for name in names:
            if name not in known:
                raise NotFoundError(f"There is no guard '{name}', or none that this key may try.", param="guards")
        return tuple(known[name] for name in dict.fromkeys(names))

    async def tried(self, principal: Principal, rules: Rules, text: str, side: Side, model: str = "") -> Tried:
        """``text`` on ``side``, past those of the ``rules`` that stand there."""
        rules = tuple(rule for rule in rules if side in rule.sides)
        call = _call(principal, model, text)
        judging = _Once(call, Silent())
        context = Context(side, principal.tenant, model, question=text)
        opinions = await asyncio.gather(*(_opinion(judging, rule, text, context) for rule in rules))
        inspection = Inspection(call, tuple(rule for rule in rules if rule.enforced), judging, Silent(), Beside())
        inspection.knows(context)
        inspection.vault = Vault(principal, text)
        way = inspection.of_reply(side) if side is Side.OUTPUT else inspection.of_request(side)
        try:
            return Tried(opinions, await way.end(text))
        except Violation as violation:
            return Tried(opinions, None, violation)

    async def opinions(self, principal: Principal, names: Sequence[str], text: str) -> dict[str, Opinion]:
        """What the guards called ``names`` say about ``text``, whomever they hold for.

        Raises:
            UnavailableError: one of them could not judge.
        """
        wanted = [rule for rule in self._policies.all if rule.name in names]
        judging = Judging(_call(principal, "", text), Silent())
        context = Context(Side.INPUT, principal.tenant, question=text)
        found = await asyncio.gather(*(_opinion(judging, rule, text, context) for rule in wanted))
        for each in found:
            if each.error:
                raise Violation(each.rule, Reaction.FAIL).error()
        return {each.rule.name: each for each in found}


class _Once(Judging):
    """Asks each guard once about a text: what it said is what follows, and a judge that is a model is paid once."""

    def __init__(self, call: Call, auditor: Auditor) -> None:
        super().__init__(call, auditor)
        self._answers: dict[tuple[str, str], tuple[Verdict | None, str]] = {}

    async def ask(self, rule: Rule, text: str, context: Context) -> tuple[Verdict | None, str]:
        """`Judging.ask`, or what it said before."""
        if (rule.name, text) not in self._answers:
            self._answers[rule.name, text] = await super().ask(rule, text, context)
        return self._answers[rule.name, text]


async def _opinion(judging: Judging, rule: Rule, text: str, context: Context) -> Opinion:
    work = Work(rule)
    verdict, error = await judging.timed(work, text, context)
    if verdict is None:
        fatal = rule.enforced and rule.settings.on_error == "closed"
        return Opinion(rule, PASSED, Reaction.FAIL if fatal else Reaction.PASS, work.seconds, error)
    return Opinion(rule, verdict, reaction(rule, verdict), work.seconds)


def score(verdict: Verdict) -> float:
    """The verdict's score; of one without, whether it objects."""
    if verdict.score is not None:
        return verdict.score
    return float(verdict.action is not Action.PASS)


def _call(principal: Principal, model: str, text: str) -> Call:
    request = Request(Operation.CHAT, model, text.encode("utf-8", "surrogatepass"))
    return Call("trial", request, principal, Trace(time.perf_counter()))
