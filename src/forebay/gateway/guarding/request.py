"""All texts of a request past its rules, before anything of it goes on."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import ContentFilterError, InvalidRequestError
from forebay.core.operations import STORED
from forebay.core.types import Call, Operation
from forebay.core.verdicts import Context, Side
from forebay.gateway.guarding.inspection import Inspection
from forebay.gateway.guarding.others import check_stored, formed
from forebay.gateway.guarding.reaction import Violation
from forebay.gateway.guarding.texts import Fields, Name, Place, UnreadableError, has_tokens, of_request
from forebay.gateway.guarding.vault import Vault

ABREAST: Final = 16
"""So many texts of a request are judged at the same time."""

_INSTRUCTING: Final = ("system", "developer")


async def inspected(inspection: Inspection) -> Call:
    """The call with its texts as the rules let them pass; the inspection then knows it.

    What was judged is what goes on: the body is written anew, so that no reader can find in it what no guard has seen.

    Raises:
        ContentFilterError: a rule does not let a text pass; ``param`` says which.
        UnavailableError: a guard that has to judge could not.
        InvalidRequestError: it is no JSON that all readers read alike.
    """
    call = inspection.call
    if call.request.operation in STORED:
        check_stored(inspection)
        return call
    if call.request.form is not None:
        return await formed(inspection, call.request.form)
    body = _body(call)
    operation = call.request.operation
    _check_readable(inspection, operation, body)
    try:
        places = of_request(operation, body)
    except UnreadableError:
        raise InvalidRequestError("The body has more texts, or deeper ones, than guards can read.") from None
    inspection.knows(context(call, body, places))
    inspection.vault = Vault(call.principal, "\n".join(place.text for place in places))
    for some in _abreast([place for place in places if inspection.judges(place.side)]):
        texts, names = [[each for each in some if isinstance(each, Name) is wanted] for wanted in (False, True)]
        await asyncio.gather(*(_passed(inspection, place) for place in texts))
        for place in names:  # a text has to stand where it stood until it has been put back
            await _passed(inspection, place)
    request = msgspec.structs.replace(call.request, body=msgspec.json.encode(body))
    inspection.call = msgspec.structs.replace(call, request=request)
    return inspection.call


def context(call: Call, body: Fields, places: Sequence[Place]) -> Context:
    """What guards are told of a call."""
    messages = [each for each in _list(body.get("messages")) if isinstance(each, dict)]
    asked = [_said(each) for each in messages if each.get("role") == "user"]
    told = [_said(each) for each in messages if each.get("role") in _INSTRUCTING]
    documents = [each.text for each in places if each.side is Side.TOOL_RESULTS or each.param.startswith("documents")]
    return Context(
        Side.INPUT,
        call.principal.tenant,
        call.request.model,
        call.id,
        asked[-1] if asked else "",
        tuple(documents),
        tuple(told),
        _schema(body),
    )


async def _passed(inspection: Inspection, place: Place) -> None:
    try:
        place.put(await inspection.of_request(place.side).end(place.text))
    except Violation as violation:
        raise violation.error(place.param) from None


def _body(call: Call) -> Fields:
    try:
        return call.request.fields()
    except MALFORMED:
        raise InvalidRequestError("The body is not valid JSON that guards can read.") from None


def _check_readable(inspection: Inspection, operation: Operation, body: Fields) -> None:
    field = has_tokens(operation, body)
    if field is not None and inspection.enforces(Side.INPUT):
        raise ContentFilterError(f"Guards cannot read tokens: send '{field}' as text.", param=field)


def _abreast(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    for at in range(0, len(places), ABREAST):
        yield places[at : at + ABREAST]


def _said(message: Fields) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = (each.get("text") for each in _list(content) if isinstance(each, dict))
    return "\n".join(each for each in parts if isinstance(each, str))


def _schema(body: Fields) -> str:
    """The schema of a structured answer; any JSON object, where only that is demanded."""
    wanted = body.get("response_format")
    if not isinstance(wanted, dict):
        return ""
    if wanted.get("type") == "json_object":
        return '{"type":"object"}'
    described = wanted.get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    return msgspec.json.encode(schema).decode() if isinstance(schema, dict) else ""


def _list(value: Any) -> list[Any]:  # noqa: ANN401  # any JSON
    return value if isinstance(value, list) else []
