"""A reply in one piece past the rules, choice by choice, and then what stands beside the choices."""

from typing import Any, Final

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import UpstreamError
from forebay.core.types import Whole
from forebay.core.verdicts import Side
from forebay.gateway.guarding.fields import structural
from forebay.gateway.guarding.inspection import Inspection
from forebay.gateway.guarding.reaction import Reaction, Violation
from forebay.gateway.guarding.texts import Fields, UnreadableError, of_message

FILTERED: Final = "content_filter"


async def passed(inspection: Inspection, reply: Whole) -> Whole:
    """The reply with its texts as the rules let them pass; a choice that they keep back is empty and says so.

    Log probabilities repeat the text token by token, and tell what else might have stood there: they are left out.

    Raises:
        Violation: a rule refuses it, or wants another one.
        UpstreamError: it is none that can be read.
    """
    body = _body(reply.body)
    choices = _choices(body)
    for choice in choices:
        await _choice(inspection, choice)
    beside = {key: body[key] for key in body if key != "choices" or not isinstance(body[key], list)}
    try:
        await judged(inspection, beside, "reply")
    except Violation as violation:
        if violation.reaction is not Reaction.REFRAIN:
            raise
        beside = structural(beside)
        for choice in choices:
            keep_back(choice)
    answer = beside if "choices" not in body or "choices" in beside else {**beside, "choices": choices}
    return msgspec.structs.replace(reply, body=msgspec.json.encode(answer))


async def judged(inspection: Inspection, fields: Fields, name: str) -> bool:
    """Whether there are texts in ``fields``, which then are as the rules let them pass.

    Raises:
        Violation: a rule stops one.
        UpstreamError: there are too many.
    """
    try:
        places = of_message(fields, Side.OUTPUT, name)
    except UnreadableError:
        raise UpstreamError("The upstream answered with more texts than guards can read.") from None
    for place in places:
        place.put(await inspection.of_reply(place.side).end(place.text))
    return bool(places)


async def _choice(inspection: Inspection, choice: Fields) -> None:
    if "logprobs" in choice:
        choice["logprobs"] = None
    message = choice.get("message")
    try:
        says = isinstance(message, dict) and await judged(inspection, message, "message")
        beside = {key: choice[key] for key in choice if key != "message" or not isinstance(message, dict)}
        says = await judged(inspection, beside, "choice") or says
        if not says:
            await inspection.of_reply(Side.OUTPUT).end("")  # an answer that says nothing may be what a rule is about
    except Violation as violation:
        if violation.reaction is not Reaction.REFRAIN:
            raise
        keep_back(choice)
        return
    choice.clear()
    choice.update(beside)
    if isinstance(message, dict):
        choice["message"] = message


def keep_back(choice: Fields) -> None:
    """Take a choice's whole answer away."""
    told = structural({key: choice[key] for key in choice if key == "index"})
    if "message" in choice:
        told["message"] = {"role": "assistant", "content": "", "refusal": None}
    else:
        told["text"] = ""
    choice.clear()
    choice.update(told, logprobs=None, finish_reason=FILTERED)


def _body(data: bytes) -> Fields:
    try:
        body: Any = msgspec.json.decode(data)
    except MALFORMED:
        body = None
    if not isinstance(body, dict):
        raise UpstreamError("The upstream answered with something that guards cannot read.")
    return body


def _choices(body: Fields) -> list[Fields]:
    choices = body.get("choices")
    return [each for each in choices if isinstance(each, dict)] if isinstance(choices, list) else []
