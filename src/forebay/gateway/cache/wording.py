"""Which chats may be answered by what another wording was answered with, and what their question is.

Source of the rules: a chat whose answer depends on more than the meaning of its last message (a tool, a picture, a
schema to hold, chance) gets what it asked for, or nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

from forebay.core.types import Operation
from forebay.settings import SemanticSettings

_REFUSED: Final = (
    "tools",
    "functions",
    "tool_choice",
    "function_call",
    "logprobs",
    "top_logprobs",
    "audio",
    "prediction",
    "web_search_options",
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "structured_outputs",
)
_SPEAKERS: Final = frozenset({"system", "developer", "user", "assistant"})


def question_of(operation: Operation, fields: Mapping[str, Any], settings: SemanticSettings) -> str | None:
    """The text of the last message, if the rest of the chat lets another wording be answered alike."""
    if operation is not Operation.CHAT or not _is_plain(fields, settings):
        return None
    messages = fields["messages"]
    if not all(map(_is_text, messages)) or messages[-1]["role"] != "user":
        return None
    text = messages[-1]["content"]
    return text if isinstance(text, str) and 0 < len(text) <= settings.max_chars and text.strip() else None


def _is_plain(fields: Mapping[str, Any], settings: SemanticSettings) -> bool:
    """Whether nothing but text is asked for, once, and no more chance than may be."""
    if any(fields.get(name) for name in _REFUSED) or fields.get("n", 1) not in (None, 1):
        return False
    if (fields.get("response_format") or {"type": "text"}) != {"type": "text"}:
        return False
    if (fields.get("modalities") or ["text"]) != ["text"]:
        return False
    temperature = fields.get("temperature")
    return temperature is None or (isinstance(temperature, (int, float)) and temperature <= settings.max_temperature)


def _is_text(message: object) -> bool:
    if not isinstance(message, dict) or message.get("role") not in _SPEAKERS or message.get("tool_calls"):
        return False
    return isinstance(message.get("content"), str)
