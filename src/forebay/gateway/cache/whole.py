"""Whole replies as they are stored, and which of them may be: complete ones that say they are."""

from typing import Any, Final

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.types import Operation

Fields = dict[str, Any]

_FINISHED: Final = frozenset({"stop", "tool_calls", "function_call"})
_PREFIXES: Final = {Operation.CHAT: "chatcmpl-", Operation.COMPLETION: "cmpl-"}
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])


class FunctionCall(msgspec.Struct, frozen=True):
    """A call as a model wrote it."""

    name: str
    arguments: str


class ToolCall(msgspec.Struct, frozen=True):
    """A call of a tool; one that is no function has a shape of its own."""

    function: FunctionCall | None = None


class Message(msgspec.Struct, frozen=True):
    """What is looked at of a message."""

    tool_calls: list[ToolCall] | None = None
    function_call: FunctionCall | None = None


class Choice(msgspec.Struct, frozen=True):
    """What is looked at of a choice."""

    finish_reason: str | None = None
    message: Message | None = None


class Answer(msgspec.Struct, frozen=True):
    """What is looked at of a chat or a completion."""

    choices: list[Choice]
    error: msgspec.Raw | None = None


class Embeddings(msgspec.Struct, frozen=True):
    """What is looked at of embeddings."""

    data: list[msgspec.Raw]


_answers = msgspec.json.Decoder(Answer)
_embeddings = msgspec.json.Decoder(Embeddings)


def storable(operation: Operation, body: bytes) -> bytes | None:
    """A reply's ``body`` as it is stored: without its id and its time. ``None`` if it is not to be."""
    try:
        if operation is Operation.EMBEDDING:
            return body if _embeddings.decode(body).data else None
        answer = _answers.decode(body)
        if answer.error is not None or not answer.choices or not all(map(_is_whole, answer.choices)):
            return None
        fields = _raw.decode(body)
    except MALFORMED:
        return None
    fields.pop("id", None)
    fields.pop("created", None)
    return msgspec.json.encode(fields)


def named(operation: Operation, stored: bytes, call_id: str, now: float) -> bytes:
    """A stored reply as the answer to the call ``call_id``."""
    prefix = _PREFIXES.get(operation)
    if prefix is None:
        return stored
    return b'{"id":"%b","created":%d,%b' % (reply_id(operation, call_id).encode(), now, stored[1:])


def reply_id(operation: Operation, call_id: str) -> str:
    """The id of the answer to the call ``call_id``."""
    return _PREFIXES[operation] + call_id.removeprefix("req_")


def _is_whole(choice: Choice) -> bool:
    if choice.finish_reason not in _FINISHED:
        return False
    message = choice.message or Message()
    calls = [each.function for each in message.tool_calls or () if each.function is not None]
    if message.function_call is not None:
        calls.append(message.function_call)
    return all(map(_is_valid, calls))


def _is_valid(call: FunctionCall) -> bool:
    if not call.name:
        return False
    if not call.arguments:
        return True
    try:
        msgspec.json.decode(call.arguments)
    except MALFORMED:
        return False
    return True
