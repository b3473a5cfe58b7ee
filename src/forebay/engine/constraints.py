"""What a request says about the form of its answer: OpenAI's ``response_format``, and vLLM's fields for the rest."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from forebay.core.errors import InvalidRequestError
from forebay.engine.grammar import Constraint

_ANY_OBJECT: Final = '{"type":"object"}'
_FORMATS: Final = ("text", "json_object", "json_schema")
_MAX_CHOICES: Final = 1000


def constraint(body: Mapping[str, Any]) -> Constraint | None:
    """The constraint among the fields of ``body``; ``None`` where the answer is free.

    Raises:
        InvalidRequestError: there are several, or one is not of its form.
    """
    found = list(_constraints(body))
    if len(found) > 1:
        raise InvalidRequestError(
            f"'{found[0].param}' and '{found[1].param}' do not go together: leave out one.", param=found[1].param
        )
    return found[0] if found else None


def _constraints(body: Mapping[str, Any]) -> Iterator[Constraint]:
    response_format = body.get("response_format")
    if response_format is not None and (made := _response_format(response_format)):
        yield made
    for name, make in _GUIDED.items():
        if (value := body.get(f"guided_{name}")) is not None:
            yield make(value, f"guided_{name}")
    outputs = body.get("structured_outputs")
    if outputs is not None:
        yield from _structured(outputs)


def _response_format(given: object) -> Constraint | None:
    kind = _object(given, "response_format").get("type")
    if kind not in _FORMATS:
        raise InvalidRequestError(
            f"'response_format.type' must be one of {', '.join(_FORMATS)}.", param="response_format.type"
        )
    if kind == "text":
        return None
    param = "response_format.json_schema"
    if kind == "json_object":
        return Constraint("json_schema", _ANY_OBJECT, "response_format")
    schema = _object(_object(given, "response_format").get("json_schema"), param).get("schema")
    return _json({"type": "object"} if schema is None else schema, f"{param}.schema")


def _structured(given: object) -> Iterator[Constraint]:
    fields = _object(given, "structured_outputs")
    for key in fields:
        if key not in _STRUCTURED:
            near = get_close_matches(key, _STRUCTURED, 1)
            remedy = f"did you mean '{near[0]}'?" if near else f"use one of {', '.join(_STRUCTURED)}."
            raise InvalidRequestError(
                f"'structured_outputs.{key[:40]}' is not known: {remedy}", param=f"structured_outputs.{key[:40]}"
            )
    if all(value is None for value in fields.values()):
        raise InvalidRequestError(
            f"'structured_outputs' needs one of {', '.join(_STRUCTURED)}.", param="structured_outputs"
        )
    for name, make in _GUIDED.items():
        if (value := fields.get(name)) is not None:
            yield make(value, f"structured_outputs.{name}")
    if fields.get("json_object"):
        yield Constraint("json_schema", _ANY_OBJECT, "structured_outputs.json_object")


def _json(value: object, param: str) -> Constraint:
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidRequestError(f"'{param}' is not valid JSON: {error}.", param=param) from None
    if not isinstance(value, bool):
        value = _object(value, param)
    return Constraint("json_schema", msgspec.json.encode(value).decode(), param)


def _regex(value: object, param: str) -> Constraint:
    return Constraint("regex", _text(value, param), param)


def _grammar(value: object, param: str) -> Constraint:
    return Constraint("lark", _text(value, param), param)


def _choice(value: object, param: str) -> Constraint:
    if not isinstance(value, list) or not 1 <= len(value) <= _MAX_CHOICES:
        raise InvalidRequestError(f"'{param}' must be an array of 1 to {_MAX_CHOICES} strings.", param=param)
    texts = [_text(each, f"{param}[{number}]") for number, each in enumerate(value)]
    return Constraint("lark", "start: " + " | ".join(msgspec.json.encode(text).decode() for text in texts), param)


_GUIDED: Final[Mapping[str, Callable[[object, str], Constraint]]] = {
    "json": _json,
    "regex": _regex,
    "choice": _choice,
    "grammar": _grammar,
}
_STRUCTURED: Final = (*_GUIDED, "json_object")


def _object(value: object, param: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequestError(f"'{param}' must be an object.", param=param)
    return value


def _text(value: object, param: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidRequestError(f"'{param}' must be a string that is not empty.", param=param)
    return value
