"""Guardrails AI's server, as far as its clients validate texts with it: each of our guards is one of its guards.

Source: ``guardrails.api_client`` and ``guardrails_ai.types`` of guardrails-ai 0.11.
"""

from urllib.parse import parse_qs

import msgspec

from forebay.api.http import Receive, Scope, Send, header, require_json, send_json
from forebay.core.decode import decode
from forebay.core.errors import NotFoundError, UnsupportedParameterError
from forebay.core.ports import Authenticator
from forebay.core.types import Principal
from forebay.core.verdicts import Side
from forebay.gateway.guarding.reaction import Reaction
from forebay.gateway.guarding.rules import Rule
from forebay.gateway.guarding.trial import Opinion, Trial, Tried

PATH = "/guards"
PREFIX = "/guards/"
_PASSING = frozenset({Reaction.PASS, Reaction.FIX, Reaction.FILTER})
_SIDES = (Side.OUTPUT, Side.INPUT, Side.TOOL_ARGUMENTS, Side.TOOL_RESULTS)
_NO_BEARER = "x-guardrailsai-api-key"


class ValidateBody(msgspec.Struct, frozen=True):
    """What to validate; the name of the text is written in two ways, and only a text can be validated."""

    llm_output: str | None = None
    llmOutput: str | None = None  # noqa: N815  # the field's name
    stream: bool | None = None


class Guardrails:
    """The endpoints."""

    def __init__(self, trial: Trial, authenticator: Authenticator) -> None:
        self._trial = trial
        self._authenticator = authenticator

    async def list(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """The guards, or the one called ``name``."""
        principal = await self._principal(scope)
        wanted = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("name")
        rules = [rule for rule in self._trial.rules(principal) if wanted is None or rule.name in wanted]
        await send_json(send, request_id, [_described(rule) for rule in rules])

    async def history(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Nothing: no text is kept. Of anything but a history there is nothing, either."""
        await self._principal(scope)
        if "/history/" not in scope["path"]:
            raise NotFoundError("There is no such path; guards are listed at /guards.")
        await send_json(send, request_id, [])

    async def validate(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Validate a text; a guard whose ``on_fail`` is ``exception`` answers with status 400, as theirs do."""
        principal = await self._principal(scope)
        require_json(header(scope, b"content-type"))
        name, _, verb = scope["path"].removeprefix(PREFIX).partition("/")
        if verb != "validate":
            raise NotFoundError("There is no such path; a text is validated at /guards/NAME/validate.")
        body = decode((await receive())["body"], ValidateBody)
        text = body.llm_output if body.llm_output is not None else body.llmOutput
        if text is None:
            raise UnsupportedParameterError(
                "Send the text as 'llm_output': no model is asked here.", param="llm_output"
            )
        rules = self._trial.named(principal, [name])
        side = next(side for side in _SIDES if side in rules[0].sides)
        tried = await self._trial.tried(principal, rules, text, side)
        if tried.violation is not None and tried.violation.reaction in {Reaction.REFUSE, Reaction.FAIL}:
            raise tried.violation.error("llm_output")
        await send_json(send, request_id, _outcome(request_id, text, tried))

    async def _principal(self, scope: Scope) -> Principal:
        """Whoever asks; their clients send the key in a header of its own."""
        authorization = header(scope, b"authorization")
        key = header(scope, _NO_BEARER.encode())
        if authorization is None and key is not None:
            authorization = f"Bearer {key}"
        return await self._authenticator.authenticate(authorization)


def _outcome(call_id: str, text: str, tried: Tried) -> dict[str, object]:
    """A ``ValidationOutcome``."""
    return {
        "callId": call_id,
        "rawLlmOutput": text,
        "validatedOutput": tried.text if tried.text is not None else "",
        "validationPassed": all(each.outcome in _PASSING for each in tried.opinions),
        "validationSummaries": [_summary(each) for each in tried.opinions if each.outcome is not Reaction.PASS],
        "reask": None,
        "error": None,
    }


def _summary(each: Opinion) -> dict[str, object]:
    reason = each.verdict.reason or "The text did not pass."
    return {
        "validatorName": each.rule.name,
        "validatorStatus": "fail",
        "propertyPath": "$",
        "failureReason": reason,
        "errorSpans": [{"start": span.start, "end": span.end, "reason": span.kind} for span in each.verdict.spans],
    }


def _described(rule: Rule) -> dict[str, object]:
    """A ``Guard``; what it is made of is ours, so none of their validators is named."""
    description = f"The guard '{rule.name}' of kind '{rule.kind}'."
    schema = {"type": "string"}
    return {"id": rule.name, "name": rule.name, "description": description, "validators": [], "output_schema": schema}
