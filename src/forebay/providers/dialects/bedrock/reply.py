"""``ConverseResponse``, or the events of ``ConverseStream``, as OpenAI's answer."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from forebay.core.types import Usage
from forebay.providers.dialects.answer import Answer
from forebay.providers.dialects.completion import ThinkingPiece
from forebay.providers.dialects.dialect import VendorError

REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
}
MALFORMED = frozenset({"malformed_model_output", "malformed_tool_use"})
STATUS_OF: Mapping[str, int] = {
    "internalServerException": 500,
    "modelStreamErrorException": 424,
    "modelTimeoutException": 408,
    "serviceUnavailableException": 503,
    "throttlingException": 429,
    "validationException": 400,
}


class Counted(msgspec.Struct, rename="camel"):
    """``TokenUsage``; what was cached is not in ``inputTokens``."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_write_input_tokens: int = 0

    def usage(self) -> Usage:
        """In Forebay's terms."""
        read, written = self.cache_read_input_tokens, self.cache_write_input_tokens
        return Usage(self.input_tokens + read + written, self.output_tokens, read, written)


class ReasoningText(msgspec.Struct):
    """Reasoning, with what proves that it is the model's."""

    text: str = ""
    signature: str = ""


class Reasoning(msgspec.Struct, rename="camel"):
    """``ReasoningContentBlock`` or a piece of one."""

    reasoning_text: ReasoningText | None = None
    redacted_content: str = ""
    text: str = ""
    signature: str = ""


class ToolUse(msgspec.Struct, rename="camel"):
    """A call, its beginning, or a piece of its input (which is text then)."""

    tool_use_id: str = ""
    name: str = ""
    input: Any = None


class Block(msgspec.Struct, rename="camel"):
    """``ContentBlock``, ``ContentBlockStart`` or ``ContentBlockDelta``."""

    text: str = ""
    tool_use: ToolUse | None = None
    reasoning_content: Reasoning | None = None


class Message(msgspec.Struct):
    """What the model said."""

    content: list[Block]


class Output(msgspec.Struct):
    """``ConverseOutput``."""

    message: Message


class Reply(msgspec.Struct, rename="camel"):
    """``ConverseResponse``."""

    output: Output
    stop_reason: str
    usage: Counted = msgspec.field(default_factory=Counted)


class Started(msgspec.Struct):
    """``ContentBlockStartEvent``."""

    start: Block


class Grown(msgspec.Struct):
    """``ContentBlockDeltaEvent``."""

    delta: Block


class Stopped(msgspec.Struct, rename="camel"):
    """``MessageStopEvent``."""

    stop_reason: str


class Metadata(msgspec.Struct):
    """``ConverseStreamMetadataEvent``."""

    usage: Counted


class Event(msgspec.Struct, rename="camel"):
    """One of these; all others say nothing, or that something failed."""

    content_block_start: Started | None = None
    content_block_delta: Grown | None = None
    content_block_stop: dict[str, Any] | None = None
    message_stop: Stopped | None = None
    metadata: Metadata | None = None


_replies = msgspec.json.Decoder(Reply)
_events = msgspec.json.Decoder(Event)
_exceptions = msgspec.json.Decoder(dict[str, Raw])


class BedrockReader:
    """Reads one reply; blocks come one after the other."""

    def __init__(self) -> None:
        self._call: int | None = None
        self._thought = ReasoningText()
        self._redacted = ""

    def whole(self, body: bytes, answer: Answer) -> None:
        """A reply in one piece."""
        reply = _replies.decode(body)
        for block in reply.output.message.content:
            if block.tool_use is not None:
                self._begin(block.tool_use, answer)
            if block.reasoning_content is not None:
                self._think(block.reasoning_content, answer)
            answer.text(block.text)
            self._end_block(answer)
        answer.count(reply.usage.usage())
        self._finish(reply.stop_reason, answer)

    def event(self, payload: bytes, answer: Answer) -> None:
        """One event; the usage comes last."""
        for name, raw in _exceptions.decode(payload).items():
            if name.endswith("Exception"):
                raise VendorError(STATUS_OF.get(name, 500), bytes(raw))
        event = _events.decode(payload)
        if event.content_block_start is not None and event.content_block_start.start.tool_use is not None:
            self._begin(event.content_block_start.start.tool_use, answer)
        if event.content_block_delta is not None:
            self._grow(event.content_block_delta.delta, answer)
        if event.content_block_stop is not None:
            self._end_block(answer)
        if event.message_stop is not None:
            self._finish(event.message_stop.stop_reason, answer)
        if event.metadata is not None:
            answer.count(event.metadata.usage.usage())
            answer.end()

    def _begin(self, use: ToolUse, answer: Answer) -> None:
        self._call = answer.call(use.name, use.tool_use_id)
        if use.input:
            answer.arguments(self._call, msgspec.json.encode(use.input).decode())

    def _grow(self, delta: Block, answer: Answer) -> None:
        answer.text(delta.text)
        if delta.tool_use is not None and self._call is not None:
            answer.arguments(self._call, str(delta.tool_use.input or ""))
        if delta.reasoning_content is not None:
            self._think(delta.reasoning_content, answer)

    def _think(self, reasoning: Reasoning, answer: Answer) -> None:
        whole = reasoning.reasoning_text or ReasoningText(reasoning.text, reasoning.signature)
        answer.reasoning(whole.text)
        self._thought.text += whole.text
        self._thought.signature += whole.signature
        self._redacted += reasoning.redacted_content

    def _end_block(self, answer: Answer) -> None:
        if self._call is not None:
            answer.call_ends(self._call)
        if self._thought.signature:
            thought = self._thought
            answer.thinking(ThinkingPiece("thinking", thinking=thought.text, signature=thought.signature))
        if self._redacted:
            answer.thinking(ThinkingPiece("redacted_thinking", data=self._redacted))
        self._call, self._thought, self._redacted = None, ReasoningText(), ""

    def _finish(self, reason: str, answer: Answer) -> None:
        if reason in MALFORMED:
            raise VendorError(424, b'{"message": "the model wrote something that is no answer"}')
        answer.finish(reason)
