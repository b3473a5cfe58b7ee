"""The messages of a chat, checked and brought into the form that chat templates expect: text for content."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

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
    return {
        **message,
        "role": "system" if role == "developer" else role,
        "content": _content(message, f"{param}.content"),
    }


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
