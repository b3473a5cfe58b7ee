"""The messages of a chat, checked and brought into the form that chat templates expect: text for content."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from forebay.core.errors import EmptyArrayError, InvalidRequestError

_ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")

Message = dict[str, Any]


def plain(messages: Sequence[Mapping[str, Any]]) -> list[Message]:
    """The messages with text for content.

    Raises:
        EmptyArrayError: there are none.
        InvalidRequestError: one has no known role, no content, or holds something that is no text.
    """
    if not messages:
        raise EmptyArrayError("'messages' must hold at least one message.", param="messages")
    return [_message(message, f"messages[{number}]") for number, message in enumerate(messages)]


def _message(message: Mapping[str, Any], param: str) -> Message:
    role = message.get("role")
    if role not in _ROLES:
        raise InvalidRequestError(f"'role' must be one of {', '.join(sorted(_ROLES))}.", param=f"{param}.role")
    # "developer" is OpenAI's new word for "system"; templates know the old one.
    plain = {
        **message,
        "role": "system" if role == "developer" else role,
        "content": _content(message, f"{param}.content"),
    }
    calls = message.get("tool_calls")
    if calls is not None:
        plain["tool_calls"] = _calls(calls, f"{param}.tool_calls")
    return plain


def _calls(calls: object, param: str) -> list[Message]:
    if not isinstance(calls, list):
        raise InvalidRequestError("'tool_calls' must be an array.", param=param)
    return [_call(call, f"{param}[{number}]") for number, call in enumerate(calls)]


def _call(call: object, param: str) -> Message:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise InvalidRequestError("A tool call needs a 'function' with a 'name'.", param=f"{param}.function")
    arguments = _arguments(function.get("arguments"), f"{param}.function.arguments")
    return {**call, "function": {**function, "arguments": arguments}}


def _arguments(arguments: object, param: str) -> Message:
    """The arguments as templates expect them: an object, of which OpenAI's clients send the JSON."""
    if isinstance(arguments, str) and arguments.strip():
        try:
            arguments = msgspec.json.decode(arguments)
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidRequestError(f"'arguments' is not valid JSON: {error}.", param=param) from None
    if not arguments:
        return {}
    if not isinstance(arguments, dict):
        raise InvalidRequestError("'arguments' must be a JSON object.", param=param)
    return arguments


def _content(message: Mapping[str, Any], param: str) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_part(part, f"{param}[{number}]") for number, part in enumerate(content))
    if content is not None:
        raise InvalidRequestError("'content' must be a string or an array of parts.", param=param)
    if message["role"] == "assistant" and (message.get("tool_calls") or message.get("function_call")):
        return ""
    needed = " or 'tool_calls'" if message["role"] == "assistant" else ""
    raise InvalidRequestError(f"A message of role '{message['role']}' needs a 'content'{needed}.", param=param)


def _part(part: object, param: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or kind not in {"text", "refusal"}:
        raise InvalidRequestError(f"This model reads only text, not a part of type '{kind}'.", param=param)
    text = part.get(kind)
    if not isinstance(text, str):
        raise InvalidRequestError(f"A part of type '{kind}' needs a string '{kind}'.", param=f"{param}.{kind}")
    return text
