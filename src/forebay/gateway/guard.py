"""The stage that lets guards judge: every text of a request before it goes on, every text of a reply before it leaves.

    Guard(in)  all messages, tool-call arguments and tool results; what is masked is kept in the vault of the call
    ask        the next stage, again if a rule wants another answer
    Guard(out) whole or in chunks, with what was masked put back

A call without rules goes straight on.
"""

import contextlib

from forebay.core.errors import ForebayError, UpstreamError
from forebay.core.operations import TEXT
from forebay.core.ports import Auditor, Handler
from forebay.core.types import Call, Reply, Whole
from forebay.core.verdicts import Side
from forebay.gateway.guarding import errors
from forebay.gateway.guarding.beside import Beside
from forebay.gateway.guarding.inspection import Inspection
from forebay.gateway.guarding.judging import Judging
from forebay.gateway.guarding.others import told
from forebay.gateway.guarding.reaction import Reaction, Violation
from forebay.gateway.guarding.reask import again, count_lost
from forebay.gateway.guarding.request import inspected
from forebay.gateway.guarding.rules import Policies
from forebay.gateway.guarding.stream import passing
from forebay.gateway.guarding.whole import passed


class Guard:
    """Applies ``policies``, and tells ``auditor`` what was judged."""

    def __init__(self, policies: Policies, auditor: Auditor, beside: Beside) -> None:
        self._policies = policies
        self._auditor = auditor
        self._beside = beside

    async def __call__(self, call: Call, ask: Handler) -> Reply:
        """Answer ``call`` past its rules.

        Raises:
            ContentFilterError: a rule does not let the request or the reply pass.
            UnavailableError: a guard that has to judge could not.
        """
        rules = self._policies.of(call)
        if not rules:
            return await ask(call)
        judging = Judging(call, self._auditor, self._policies.fingerprint)
        inspection = Inspection(call, rules, judging, self._auditor, self._beside)
        call = await inspected(inspection)
        if not _is_watched(inspection):
            return await ask(call)
        asking = _asking(inspection, ask)
        if call.request.operation in TEXT:
            return await _answered(inspection, call, asking)
        return await told(inspection, call, asking)


def _asking(inspection: Inspection, ask: Handler) -> Handler:
    """``ask``, whose failures are told in words that the rules let pass."""

    async def asked(call: Call) -> Reply:
        try:
            return await ask(call)
        except ForebayError as error:
            raise await errors.judged(inspection, error) from None

    return asked


async def _answered(inspection: Inspection, call: Call, ask: Handler) -> Reply:
    """The first reply that the rules let pass.

    Raises:
        ForebayError: there is none.
    """
    left = inspection.asks_again
    while True:
        try:
            return await _passed(inspection, await ask(call))
        except Violation as violation:
            if violation.reaction is not Reaction.REASK or not left:
                raise _told(violation) from None
            left -= 1
            count_lost(call.trace)
            call = again(call, violation)


async def _passed(inspection: Inspection, reply: Reply) -> Reply:
    if not isinstance(reply, Whole):
        return await passing(inspection, reply)
    if inspection.changes_replies:
        return await passed(inspection, reply)
    with contextlib.suppress(UpstreamError):  # nobody may be stopped by what only watches
        await passed(inspection, reply)
    return reply


def _is_watched(inspection: Inspection) -> bool:
    sides = (Side.OUTPUT, Side.TOOL_ARGUMENTS)
    return bool(inspection.vault) or any(inspection.judges(side) for side in sides)


def _told(violation: Violation) -> ForebayError:
    return violation.error()
