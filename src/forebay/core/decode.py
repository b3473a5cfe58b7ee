"""Turns a client's JSON into typed objects, and what is wrong with it into errors that name field and remedy."""

import re
from typing import Final, TypeVar

import msgspec

from forebay.core.errors import ForebayError, InvalidRequestError

T = TypeVar("T")

MALFORMED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""All that msgspec raises at bytes from outside: they are no JSON or of another shape, no UTF-8, nested too deeply."""

_MISSING = re.compile(r"Object missing required field `([^`]+)`(?: - at `\$\.?([^`]*)`)?")
_MISTYPED = re.compile(r"Expected `([^`]+)`, got `([^`]+)`(?: - at `\$\.?([^`]*)`)?")
_UNKNOWN = re.compile(r"Invalid (?:enum )?value (.+?)(?: - at `\$\.?([^`]*)`)?$")
_BOUNDED = re.compile(r"Expected (.+?)(?: - at `\$\.?([^`]*)`)?$")
_PLAIN = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
}


def decode(body: bytes, shape: type[T]) -> T:
    """``body`` as a ``shape`` (a msgspec Struct).

    Raises:
        InvalidRequestError: it is no JSON, no UTF-8, or not of that shape; ``param`` is the path of the culprit.
    """
    try:
        if not body.isascii():
            body.decode()
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise explain(str(error)) from None
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"The body is not valid UTF-8 (byte {error.start}).") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequestError(f"The body is not valid JSON: {error}.") from None


def explain(message: str) -> ForebayError:
    """Msgspec's words in OpenAI's: the field's path as ``param``, types by their JSON names."""
    if found := _MISSING.match(message):
        param = ".".join(filter(None, (found[2], found[1])))
        return InvalidRequestError(f"Missing required parameter: '{param}'.", param=param)
    if found := _MISTYPED.match(message):
        wanted, given, path = found[1], found[2], found[3] or None
        where = f"for '{path}'" if path else "of the body"
        return InvalidRequestError(
            f"Invalid type {where}: expected {_named(wanted)}, but got {_named(given)} instead.", param=path
        )
    if found := _UNKNOWN.match(message):
        path = found[2] or None
        return InvalidRequestError(f"Invalid value {found[1]} for '{path or 'the body'}'.", param=path)
    if found := _BOUNDED.match(message):
        path = found[2] or None
        return InvalidRequestError(f"Invalid value for '{path or 'the body'}': expected {found[1]}.", param=path)
    return InvalidRequestError(f"Invalid request: {message}.")


def _named(types: str) -> str:
    return " or ".join(_PLAIN.get(name.strip(), name.strip()) for name in types.split("|"))
