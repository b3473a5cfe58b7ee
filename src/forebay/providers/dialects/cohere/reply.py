"""Cohere's ``ChatResponseV2``, whole or in events, as OpenAI's answer; the plan for tool calls is text."""

from collections.abc import Mapping

import msgspec

from forebay.core.types import Usage
from forebay.providers.dialects.answer import Answer
from forebay.providers.dialects.dialect import VendorError

REASONS: Mapping[str, str] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
}
FAILURES: Mapping[str, int] = {"ERROR": 500, "TIMEOUT": 504}


class Numbers(msgspec.Struct):
    """Tokens, as Cohere writes them: with a decimal point."""

    input_tokens: float | None = None
    output_tokens: float | None = None


class Counted(msgspec.Struct):
    """``usage``; what is billed is something else."""

    tokens: Numbers | None = None
    billed_units: Numbers | None = None
    cached_tokens: float | None = None

    def usage(self) -> Usage:
        """In Forebay's terms."""
        counted = self.tokens or self.billed_units or Numbers()
        return Usage(int(counted.input_tokens or 0), int(counted.output_tokens or 0), int(self.cached_tokens or 0))


class Function(msgspec.Struct):
    """A function's name and arguments, or a piece of those."""

    name: str = ""
    arguments: str = ""


class Call(msgspec.Struct):
    """A tool call, or a piece of one."""

    id: str = ""
    function: Function | None = None


class Content(msgspec.Struct):
    """Text or reasoning, or a piece of it."""

    text: str | None = None
    thinking: str | None = None


class Whole(msgspec.Struct):
    """``message`` of a whole reply."""

    content: list[Content] | None = None
    tool_plan: str | None = None
    tool_calls: list[Call] | None = None


class Reply(msgspec.Struct):
    """``ChatResponseV2``."""

    message: Whole
    finish_reason: str
    id: str = ""
    usage: Counted | None = None


class Piece(msgspec.Struct):
    """``delta.message`` of an event; there is one call, or none yet (a list)."""

    content: Content | list[Content] | None = None
    tool_plan: str | None = None
    tool_calls: Call | list[Call] | None = None


class Delta(msgspec.Struct):
    """``delta`` of an event."""

    message: Piece | None = None
    finish_reason: str | None = None
    usage: Counted | None = None
    error: str | None = None


class Event(msgspec.Struct):
    """An event of a stream, of whatever type."""

    type: str
    id: str = ""
    delta: Delta | None = None


_replies = msgspec.json.Decoder(Reply)
_events = msgspec.json.Decoder(Event)


class CohereReader:
    """Reads one reply."""

    def __init__(self) -> None:
        self._call = 0

    def whole(self, body: bytes, answer: Answer) -> None:
        """A reply in one piece."""
        reply = _replies.decode(body)
        answer.id = reply.id or answer.id
        message = reply.message
        answer.text(message.tool_plan or "")
        for content in message.content or ():
            self._say(content, answer)
        for call in message.tool_calls or ():
            self._begin_call(call, answer)
            answer.call_ends(self._call)
        self._end(reply.finish_reason, reply.usage, "", answer)

    def event(self, payload: bytes, answer: Answer) -> None:
        """One event; contents and calls come one after the other."""
        event = _events.decode(payload)
        delta = event.delta or Delta()
        message = delta.message or Piece()
        match event.type:
            case "content-delta" | "content-start" if isinstance(message.content, Content):
                self._say(message.content, answer)
            case "tool-plan-delta":
                answer.text(message.tool_plan or "")
            case "tool-call-start" if isinstance(message.tool_calls, Call):
                self._begin_call(message.tool_calls, answer)
            case "tool-call-delta" if isinstance(message.tool_calls, Call) and message.tool_calls.function:
                answer.arguments(self._call, message.tool_calls.function.arguments)
            case "tool-call-end":
                answer.call_ends(self._call)
            case "message-start":
                answer.id = event.id or answer.id
            case "message-end":
                self._end(delta.finish_reason or "", delta.usage, delta.error or "", answer)
                answer.end()

    def _say(self, content: Content, answer: Answer) -> None:
        answer.reasoning(content.thinking or "")
        answer.text(content.text or "")

    def _begin_call(self, call: Call, answer: Answer) -> None:
        function = call.function or Function()
        self._call = answer.call(function.name, call.id)
        answer.arguments(self._call, function.arguments)

    def _end(self, reason: str, counted: Counted | None, error: str, answer: Answer) -> None:
        if counted is not None:
            answer.count(counted.usage())
        if reason in FAILURES or error:
            raise VendorError(FAILURES.get(reason, 500), msgspec.json.encode({"message": error}))
        if reason:
            answer.finish(reason)
