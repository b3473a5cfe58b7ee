"""A reply in one piece past the rules, choice by choice."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import UpstreamError
from forebay.core.types import Whole
from forebay.core.verdicts import Side
from forebay.gateway.guarding.inspection import Inspection
from forebay.gateway.guarding.reaction import Reaction, Violation
from forebay.gateway.guarding.texts import Fields, Place, of_message

FILTERED: Final = "content_filter"

_NO_ANSWER: Final = frozenset({"finish_reason", "stop_reason", "matched_stop", "native_finish_reason", "logprobs"})


async def passed(inspection: Inspection, reply: Whole) -> Whole:
    """The reply with its texts as the rules let them pass; a choice that they keep back is empty and says so.

    Raises:
        Violation: a rule refuses it, or wants another one.
        UpstreamError: it is none that can be read.
    """
    body = _body(reply.body)
    for choice in _choices(body):
        await _choice(inspection, choice)
    return msgspec.structs.replace(reply, body=msgspec.json.encode(body))


async def _choice(inspection: Inspection, choice: Fields) -> None:
    places = list(_places(choice))
    before = [place.text for place in places]
    try:
        for place in places or [_empty(choice)]:
            place.put(await inspection.of_reply(place.side).end(place.text))
    except Violation as violation:
        if violation.reaction is not Reaction.REFRAIN:
            raise
        keep_back(choice)
    if [place.text for place in places] != before or choice.get("finish_reason") == FILTERED:
        choice["logprobs"] = None  # they repeat the text token by token


def keep_back(choice: Fields) -> None:
    """Take a choice's whole answer away."""
    if "message" in choice:
        choice["message"] = {"role": "assistant", "content": "", "refusal": None}
    else:
        choice["text"] = ""
    choice["finish_reason"] = FILTERED


def _places(choice: Fields) -> Iterator[Place]:
    message = choice.get("message")
    if isinstance(message, dict):
        yield from of_message(message, Side.OUTPUT, "message")
    answering = choice.keys() - _NO_ANSWER - ({"message"} if isinstance(message, dict) else set())
    beside = {key: choice[key] for key in choice if key in answering}
    for place in of_message(beside, Side.OUTPUT, "choice"):
        yield msgspec.structs.replace(place, holder=choice) if place.holder is beside else place


def _empty(choice: Fields) -> Place:
    """An answer that says nothing, which may be what a rule is about."""
    holder = choice.get("message")
    if not isinstance(holder, dict):
        return Place({"text": ""}, "text", Side.OUTPUT, "text")
    return Place({"content": ""}, "content", Side.OUTPUT, "message.content")


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
