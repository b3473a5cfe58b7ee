"""Where the texts of requests and replies stand, whatever the vendor's or the client's own shapes are.

Every string counts as text unless it is known to be none: a name, an id, a picture. What is not known is not passed
over.
"""

from collections.abc import Iterator, MutableMapping, MutableSequence
from typing import Any, Final

import msgspec

from forebay.core.types import Operation
from forebay.core.verdicts import Side

Fields = dict[str, Any]

NO_TEXT: Final = frozenset(
    {
        "type",
        "id",
        "model",
        "role",
        "name",
        "tool_call_id",
        "call_id",
        "url",
        "data",
        "file_data",
        "file_id",
        "format",
        "detail",
    }
    | {"media_type", "signature", "encrypted_content", "cache_control", "index", "object", "status", "b64_json"}
)
_ARGUMENTS: Final = frozenset({"tool_calls", "function_call"})
_RESULTS: Final = frozenset({"tool", "function"})
_DESCRIBED: Final = ("tools", "functions")
_OF_PROMPTS: Final = {
    Operation.COMPLETION: ("prompt", "suffix"),
    Operation.EMBEDDING: ("input",),
    Operation.RERANK: ("query", "documents", "instruction"),
    Operation.MODERATION: ("input",),
    Operation.SPEECH: ("input", "instructions"),
    Operation.IMAGE: ("prompt",),
    Operation.IMAGE_EDIT: ("prompt",),
}


class Place(msgspec.Struct, frozen=True):
    """A text: where it stands, on which side of the guards, and what a client calls it."""

    holder: MutableMapping[str, Any] | MutableSequence[Any]
    key: Any
    side: Side
    param: str

    @property
    def text(self) -> str:
        """What stands there."""
        found: str = self.holder[self.key]
        return found

    def put(self, text: str) -> None:
        """Let ``text`` stand there instead."""
        self.holder[self.key] = text


def of_request(operation: Operation, body: Fields) -> list[Place]:
    """The texts of a request's body."""
    if operation in _OF_PROMPTS:
        return [place for key in _OF_PROMPTS[operation] for place in _strings(body, key, Side.INPUT, key)]
    found: list[Place] = []
    messages = body.get("messages")
    for number, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, dict):
            side = Side.TOOL_RESULTS if str(message.get("role")) in _RESULTS else Side.INPUT
            found += of_message(message, side, f"messages[{number}]")
        else:
            found += _strings(messages, number, Side.INPUT, f"messages[{number}]")
    for key in (*_DESCRIBED, "prediction", "documents"):
        found += _strings(body, key, Side.INPUT, key)
    return found


def of_message(message: Fields, side: Side, param: str) -> Iterator[Place]:
    """The texts of a message, of a request or a reply."""
    for key in list(message):
        own = Side.TOOL_ARGUMENTS if key in _ARGUMENTS else side
        if _may_speak(message, key):
            yield from _strings(message, key, own, f"{param}.{key}")


def has_tokens(operation: Operation, body: Fields) -> str | None:
    """Which field holds tokens in place of a text, which no guard can read."""
    for key in _OF_PROMPTS.get(operation, ()):
        value = body.get(key)
        if isinstance(value, list) and any(not isinstance(each, (str, dict)) for each in value):
            return key
    return None


def _strings(holder: Any, key: Any, side: Side, param: str) -> Iterator[Place]:  # noqa: ANN401  # any JSON
    value = holder[key] if not isinstance(holder, dict) or key in holder else None
    if isinstance(value, str):
        if value:
            yield Place(holder, key, side, param)
    elif isinstance(value, dict):
        for name in list(value):
            if _may_speak(value, name):
                yield from _strings(value, name, side, f"{param}.{name}")
    elif isinstance(value, list):
        for number in range(len(value)):
            yield from _strings(value, number, side, f"{param}[{number}]")


def _may_speak(fields: Fields, key: str) -> bool:
    """Whether there may be texts at ``key``: in an object of any name, and in a string unless it is known as none."""
    return key not in NO_TEXT or not isinstance(fields[key], str)
