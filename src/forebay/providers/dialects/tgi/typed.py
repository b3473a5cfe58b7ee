"""LoRAX streams a tool call as the text that its grammar makes of it; here it becomes a call again.

The text is ``{"function": {"_name": NAME, ARGUMENTS...}}``; the function ``notify_error`` says that none fits.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from forebay.core.decode import MALFORMED
from forebay.providers.dialects.answer import Answer
from forebay.providers.dialects.tgi.completed import Call, Choice, CompletedReader, Function, Message

NONE_FITS = "notify_error"


class Typed(msgspec.Struct):
    """What was written."""

    function: dict[str, Raw]


_typed = msgspec.json.Decoder(Typed)


class TypedCallReader(CompletedReader):
    """Reads a stream in which the answer is a call; it is told when it is whole."""

    def __init__(self, stops: Sequence[str]) -> None:
        super().__init__(stops)
        self._written: list[str] = []

    def _choice(self, choice: Choice, message: Message, answer: Answer) -> None:
        self._written.append(message.content or "")
        if choice.finish_reason:
            super()._choice(choice, _message("".join(self._written)), answer)


def _message(text: str) -> Message:
    try:
        function = _typed.decode(text).function
        name = msgspec.json.decode(function.pop("_name", b'""'), type=str)
        if name == NONE_FITS:
            return Message(content=msgspec.json.decode(function.get("error", b'""'), type=str))
    except MALFORMED:
        return Message(content=text)
    if not name:
        return Message(content=text)
    return Message(tool_calls=[Call(Function(name, Raw(msgspec.json.encode(function))))])
