"""``POST /v1/guards/check``: what the guards say about a text, and what would become of it.

Anybody who may ask a model may ask this: about the guards that hold for that key, an administrator about all.
"""

from typing import Literal

import msgspec

from forebay.api.http import Receive, Scope, Send, header, require_json, send_json
from forebay.core.decode import decode
from forebay.core.ports import Authenticator
from forebay.core.verdicts import Side
from forebay.gateway.guarding.trial import Opinion, Trial, Tried

PATH = "/v1/guards/check"


class CheckBody(msgspec.Struct, frozen=True):
    """What is to be checked, and where it would stand; ``guards`` are all that hold, unless they are named."""

    text: str
    side: Literal["input", "output", "tool_args", "tool_results"] = "input"
    model: str = ""
    guards: tuple[str, ...] | None = None


class GuardCheck:
    """The endpoint."""

    def __init__(self, trial: Trial, authenticator: Authenticator) -> None:
        self._trial = trial
        self._authenticator = authenticator

    async def check(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Try the text of the body."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        require_json(header(scope, b"content-type"))
        body = decode((await receive())["body"], CheckBody)
        if body.guards is None:
            rules = self._trial.rules(principal, body.model)
        else:
            rules = self._trial.named(principal, body.guards, body.model)
        tried = await self._trial.tried(principal, rules, body.text, Side(body.side), body.model)
        await send_json(send, request_id, _told(tried, body.text))


def _told(tried: Tried, text: str) -> dict[str, object]:
    return {
        "object": "guard.check",
        "passed": tried.text == text,
        "text": tried.text,
        "outcome": tried.violation.reaction.value if tried.violation else "passed" if tried.text == text else "changed",
        "verdicts": [_opinion(each) for each in tried.opinions],
    }


def _opinion(each: Opinion) -> dict[str, object]:
    verdict = each.verdict
    return {
        "guard": each.rule.name,
        "kind": each.rule.kind,
        "mode": each.rule.settings.mode,
        "action": "error" if each.error else verdict.action.value,
        "outcome": each.outcome.value,
        "score": verdict.score,
        "reason": verdict.reason,
        "spans": [{"start": span.start, "end": span.end, "kind": span.kind} for span in verdict.spans],
        "error": each.error or None,
        "milliseconds": round(each.seconds * 1000, 3),
    }
