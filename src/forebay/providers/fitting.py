"""Fits a request that came in another dialect to an upstream that knows OpenAI's fields and few others.

Such a request may hold extensions (``cache_control`` on parts, signed reasoning) that one upstream wants and most
refuse. A client of OpenAI's chat chooses its own words, and they are passed on as they are; here the words are
ours.
"""

from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from forebay.providers.catalog import OPENAI_HINTS, Vendor

_Fields = dict[str, msgspec.Raw]
_Message = dict[str, Any]

IN_REQUESTS = OPENAI_HINTS | {"thinking"}
IN_MESSAGES = frozenset({"cache_control", "is_error", "reasoning_content", "thinking_blocks"})

_messages = msgspec.json.Decoder(list[_Message])
_tools = msgspec.json.Decoder(list[_Fields])


def fit(fields: _Fields, row: Vendor) -> None:
    """Leave out of a chat's ``fields`` what the vendor of ``row`` does not know, and call its limit as it does."""
    for name in IN_REQUESTS - row.extensions:
        fields.pop(name, None)
    if "max_tokens" in fields:
        fields[row.limit] = fields.pop("max_tokens")
    unknown = IN_MESSAGES - row.extensions
    fields["messages"] = _encoded([_fitted(message, unknown) for message in _messages.decode(fields["messages"])])
    if "tools" in fields and "cache_control" in unknown:
        fields["tools"] = _encoded([_without(tool, unknown) for tool in _tools.decode(fields["tools"])])


def _fitted(message: _Message, unknown: AbstractSet[str]) -> _Message:
    fitted = _without(message, unknown)
    if isinstance(fitted.get("content"), list):
        parts = [_without(part, unknown) for part in fitted["content"]]
        fitted["content"] = _plain(parts, "" if message["role"] == "assistant" else "\n")
    return fitted


def _plain(parts: list[_Message], between: str) -> str | list[_Message]:
    """Text alone as a string, which everybody takes."""
    if all(part.keys() == {"type", "text"} for part in parts):
        return between.join(part["text"] for part in parts)
    return parts


def _without(fields: dict[str, Any], unknown: AbstractSet[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in unknown}


def _encoded(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
