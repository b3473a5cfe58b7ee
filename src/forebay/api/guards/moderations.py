"""``POST /v1/moderations`` in OpenAI's shape, answered by guards: those that the configuration names for a category.

Source: OpenAI's API reference for moderations.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from forebay.api.http import Receive, Scope, Send, header, require_json, send_json
from forebay.core.decode import decode
from forebay.core.errors import InvalidRequestError
from forebay.core.ports import Authenticator
from forebay.core.scopes import SCOPE_OF, require
from forebay.core.types import Operation, Principal
from forebay.core.verdicts import Action
from forebay.gateway.guarding.trial import Trial, score

PATH = "/v1/moderations"
MAX_INPUTS: Final = 256

# Clients have a field for each of them, whether anybody looks for it or not.
THEIRS: Final = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


class Part(msgspec.Struct, frozen=True):
    """A part of an input."""

    type: str
    text: str | None = None


class ModerationBody(msgspec.Struct, frozen=True):
    """What is to be looked at; a model may be named, and changes nothing."""

    input: str | list[str | Part]
    model: str | None = None


class Moderations:
    """The endpoint; ``guards`` are the names of guards by category."""

    def __init__(self, trial: Trial, authenticator: Authenticator, guards: Mapping[str, Sequence[str]]) -> None:
        self._trial = trial
        self._authenticator = authenticator
        self._guards = guards

    async def answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """A result for each input."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        require(principal, SCOPE_OF[Operation.MODERATION])
        require_json(header(scope, b"content-type"))
        body = decode((await receive())["body"], ModerationBody)
        results = [await self._result(principal, text) for text in _texts(body.input)]
        answer = {"id": f"modr-{request_id}", "model": body.model or "forebay", "results": results}
        await send_json(send, request_id, answer)

    async def _result(self, principal: Principal, text: str) -> dict[str, Any]:
        names = [name for guards in self._guards.values() for name in guards]
        opinions = await self._trial.opinions(principal, names, text)
        flagged, scores = dict.fromkeys(THEIRS, False), dict.fromkeys(THEIRS, 0.0)
        for category, guards in self._guards.items():
            said = [opinions[name] for name in guards]
            flagged[category] = any(each.verdict.action is not Action.PASS for each in said)
            scores[category] = max((score(each.verdict) for each in said), default=0.0)
        types = {category: ["text"] if category in self._guards else [] for category in scores}
        return {
            "flagged": any(flagged.values()),
            "categories": flagged,
            "category_scores": scores,
            "category_applied_input_types": types,
        }


def _texts(given: str | list[str | Part]) -> list[str]:
    """The inputs: one, or each of a list of texts; parts are one input together.

    Raises:
        InvalidRequestError: there is none, too many, or one that is no text.
    """
    if isinstance(given, str):
        return [given]
    if not 0 < len(given) <= MAX_INPUTS:
        raise InvalidRequestError(f"Send between 1 and {MAX_INPUTS} inputs.", param="input")
    texts = [each for each in given if isinstance(each, str)]
    if len(texts) == len(given):
        return texts
    parts = [each.text for each in given if isinstance(each, Part) and each.text is not None]
    if len(parts) < len(given):
        raise InvalidRequestError("The guards here read text only: send strings, or text parts alone.", param="input")
    return ["\n".join(parts)]
