"""What a prompt's variables may be, by their JSON Schemas, and the places in its text where they stand.

There is no template language: ``{{name}}`` is all, and a value is never looked into for another one.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs
import msgspec

from forebay.core.errors import InvalidRequestError
from forebay.core.prompts import MOST_CHARACTERS, Draft, Message

PLACE: Final = re.compile(r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]{0,63})[ \t]*\}\}")

MOST_RENDERED: Final = 4 * 1024 * 1024
"""How many characters a prompt may have with its values: one value may stand in many places."""


class FaultyPromptError(ValueError):
    """A prompt contradicts itself; the message says in what."""


def used(messages: tuple[Message, ...]) -> dict[str, int]:
    """The variables that stand in ``messages``, and how often."""
    found: dict[str, int] = {}
    for message in messages:
        for name in PLACE.findall(message.content):
            found[name] = found.get(name, 0) + 1
    return found


def check(draft: Draft) -> None:
    """See that every variable is declared, and every schema is one.

    Raises:
        FaultyPromptError: it is not so, or there is too much text.
    """
    if sum(len(message.content) for message in draft.messages) > MOST_CHARACTERS:
        raise FaultyPromptError(f"'messages' have more than {MOST_CHARACTERS} characters")
    undeclared = sorted(used(draft.messages).keys() - draft.variables.keys())
    if undeclared:
        raise FaultyPromptError(f"'messages' use what 'variables' do not declare: {', '.join(undeclared)}")
    for name, schema in draft.variables.items():
        validator = _validator(_text(schema), name)
        if "default" in schema and not validator.is_valid(schema["default"]):
            raise FaultyPromptError(f"the default of the variable '{name}' does not fit its schema")


def render(draft: Draft, given: Mapping[str, Any]) -> list[dict[str, str]]:
    """The messages with the values ``given`` in their places.

    Raises:
        InvalidRequestError: variables are unknown, missing, or not what their schemas allow; it names them all.
    """
    values = {name: _shown(value) for name, value in _values(draft, given).items()}
    _refuse_too_much(draft, values)
    return [
        {"role": message.role, "content": PLACE.sub(lambda place: values[place[1]], message.content)}
        for message in draft.messages
    ]


def _values(draft: Draft, given: Mapping[str, Any]) -> Mapping[str, Any]:
    _refuse(draft, "does not know", sorted(given.keys() - draft.variables.keys()))
    defaults = {name: schema["default"] for name, schema in draft.variables.items() if "default" in schema}
    values = {**defaults, **{name: _plain(value) for name, value in given.items()}}
    _refuse(draft, "needs", sorted(draft.variables.keys() - values.keys()))
    for name, schema in draft.variables.items():
        error = next(iter(_validator(_text(schema), name).iter_errors(values[name])), None)
        if error is not None:
            param = f"prompt.variables.{name}"
            raise InvalidRequestError(f"The variable '{name}' does not fit its schema: {error.message}.", param=param)
    return values


def _refuse(draft: Draft, verb: str, names: list[str]) -> None:
    if names:
        listed = ", ".join(f"'{name[:64]}'" for name in names[:20])
        known = ", ".join(draft.variables) or "none"
        raise InvalidRequestError(
            f"The prompt '{draft.id}' {verb} the variables {listed}; its variables are: {known}.",
            param=f"prompt.variables.{names[0][:64]}",
        )


def _refuse_too_much(draft: Draft, values: Mapping[str, str]) -> None:
    size = sum(len(message.content) for message in draft.messages)
    size += sum(len(values[name]) * times for name, times in used(draft.messages).items())
    if size > MOST_RENDERED:
        raise InvalidRequestError("The prompt with these variables is too long; shorten them.", param="prompt")


def _plain(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """A value; OpenAI's clients may send a text as a part of type ``input_text``."""
    if isinstance(value, dict) and value.get("type") == "input_text" and isinstance(value.get("text"), str):
        return value["text"]
    return value


def _shown(value: Any) -> str:  # noqa: ANN401  # any JSON
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _text(schema: Mapping[str, Any]) -> str:
    return msgspec.json.encode(schema).decode()


@lru_cache(maxsize=512)
def _validator(schema: str, name: str) -> Any:  # noqa: ANN401  # one of several classes
    """Nothing is fetched for a ``$ref``, and patterns take linear time; a value is not repeated in messages."""
    try:
        return jsonschema_rs.validator_for(
            msgspec.json.decode(schema),
            mask="the value",
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(),
        )
    except jsonschema_rs.ValidationError as error:
        where = ".".join(map(str, error.instance_path)) or "the whole"
        raise FaultyPromptError(f"the schema of the variable '{name}' is none: {where}: {error.message}") from error
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        raise FaultyPromptError(f"the schema of the variable '{name}' is none: {error}") from error
