"""Anthropic's ``Message``, whole or in events, as OpenAI's answer."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from forebay.core.types import Usage
from forebay.providers.dialects.answer import Answer
from forebay.providers.dialects.anthropic.answering import JSON_TOOL
from forebay.providers.dialects.completion import ThinkingPiece
from forebay.providers.dialects.dialect import VendorError

REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class OutputDetails(msgspec.Struct):
    """Of which the client sees nothing."""

    thinking_tokens: int | None = None


class CacheCreation(msgspec.Struct):
    """``usage.cache_creation``: what went into the cache, by how long it stays; the longer costs more."""

    ephemeral_1h_input_tokens: int | None = None


class Counted(msgspec.Struct):
    """``usage``; in a stream it grows."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None


class Block(msgspec.Struct):
    """A content block, of whatever type; the input of a call is there when the message is whole."""

    type: str
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str = ""
    name: str = ""
    input: Raw = Raw()


class Delta(msgspec.Struct):
    """What an event adds to a block, or to the message."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class Message(msgspec.Struct):
    """A message; whole, or as far as it has come."""

    content: list[Block]
    id: str = ""
    model: str = ""
    stop_reason: str | None = None
    usage: Counted | None = None


class Tokens(msgspec.Struct):
    """``CountMessageTokensResponse``."""

    input_tokens: int


class Failed(msgspec.Struct):
    """``error``."""

    type: str = ""


class Either(msgspec.Struct):
    """What comes with status 200; an error should not, but has been seen."""

    type: str = ""
    error: Failed | None = None


class Event(msgspec.Struct):
    """An event of a stream, of whatever type."""

    type: str
    message: Message | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: Counted | None = None
    error: Failed | None = None


_messages = msgspec.json.Decoder(Message)
_either = msgspec.json.Decoder(Either)
_events = msgspec.json.Decoder(Event)


class AnthropicReader:
    """Reads one message. The input of the tool that stands for a form is the text of the answer."""

    def __init__(self) -> None:
        self._block = Block("")
        self._call: int | None = None
        self._filled = False
        self._thought: list[str] = []
        self._signature = ""
        self._counted: Counted | None = None

    def whole(self, body: bytes, answer: Answer) -> None:
        """A message in one piece."""
        try:
            message = _messages.decode(body)
        except msgspec.ValidationError:
            _raise_error(_either.decode(body).error, body)
            raise
        self._begin(message, answer)
        for block in message.content:
            self._open(block, answer)
            self._input(bytes(block.input).decode(), answer)
            self._close(answer)
        answer.finish(message.stop_reason or "end_turn")

    def event(self, payload: bytes, answer: Answer) -> None:
        """One event; their order is message_start, blocks one after the other, message_delta, message_stop."""
        event = _events.decode(payload)
        match event.type:
            case "content_block_delta" if event.delta is not None:
                self._add(event.delta, answer)
                self._input(event.delta.partial_json or "", answer)
            case "content_block_start":
                self._open(event.content_block or Block(""), answer)
            case "content_block_stop":
                self._close(answer)
            case "message_start":
                self._begin(_unspoken(event.message), answer)
            case "message_delta":
                self._count(event.usage, answer)
                if event.delta is not None and event.delta.stop_reason:
                    answer.finish(event.delta.stop_reason)
            case "message_stop":
                answer.end()
            case "error":
                _raise_error(event.error or Failed(), payload)
            case "ping":
                answer.comment()

    def _begin(self, message: Message, answer: Answer) -> None:
        answer.id = message.id or answer.id
        answer.model = message.model or answer.model
        self._count(message.usage, answer)

    def _open(self, block: Block, answer: Answer) -> None:
        self._block, self._call, self._filled = block, None, False
        self._thought, self._signature = [], ""
        if block.type == "tool_use" and block.name != JSON_TOOL:
            self._call = answer.call(block.name, block.id)
        self._add(block, answer)

    def _add(self, piece: Block | Delta, answer: Answer) -> None:
        if piece.text:
            answer.text(piece.text)
        elif piece.thinking:
            self._thought.append(piece.thinking)
            answer.reasoning(piece.thinking)
        if piece.signature:
            self._signature += piece.signature

    def _input(self, piece: str, answer: Answer) -> None:
        """A piece of a call's arguments; some tools run at the vendor, and theirs are not for us."""
        if not piece or self._block.type != "tool_use":
            return
        self._filled = True
        if self._call is None:
            answer.text(piece)
        else:
            answer.arguments(self._call, piece)

    def _close(self, answer: Answer) -> None:
        """A block has ended; signed reasoning is told again as a whole, because the vendor wants it back so."""
        block = self._block
        if self._call is not None:
            answer.call_ends(self._call)
        elif block.name == JSON_TOOL:
            answer.text("" if self._filled else "{}")
        elif self._signature:
            answer.thinking(ThinkingPiece("thinking", thinking="".join(self._thought), signature=self._signature))
        elif block.type == "redacted_thinking":
            answer.thinking(ThinkingPiece("redacted_thinking", data=block.data or ""))
        self._block, self._call, self._signature = Block(""), None, ""

    def _count(self, counted: Counted | None, answer: Answer) -> None:
        """Each figure is a total; one that is left out has not changed."""
        if counted is None:
            return
        if self._counted is not None:
            for name in Counted.__struct_fields__:
                if getattr(counted, name) is None:
                    setattr(counted, name, getattr(self._counted, name))
        self._counted = counted
        answer.count(_usage(counted))


def _unspoken(message: Message | None) -> Message:
    """A message at its start, whose count of the output is a guess: the pieces that come are a better one."""
    if message is None:
        return Message([])
    if message.usage is not None:
        message.usage.output_tokens = None
    return message


def tokens_of(body: bytes) -> int:
    """How many tokens a prompt has.

    Raises:
        msgspec.DecodeError: it does not say.
    """
    return msgspec.json.decode(body, type=Tokens).input_tokens


def _usage(counted: Counted) -> Usage:
    read, written = counted.cache_read_input_tokens or 0, counted.cache_creation_input_tokens or 0
    details, created = counted.output_tokens_details, counted.cache_creation
    return Usage(
        prompt_tokens=(counted.input_tokens or 0) + read + written,
        completion_tokens=counted.output_tokens or 0,
        cached_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=(details.thinking_tokens or 0) if details else 0,
        long_cache_write_tokens=(created.ephemeral_1h_input_tokens or 0) if created else 0,
    )


def _raise_error(error: Failed | None, payload: bytes) -> None:
    if error is not None:
        raise VendorError(STATUSES.get(error.type, 500), payload)
