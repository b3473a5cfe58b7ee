"""An answer as Anthropic's ``Message``, whole or as the events of a stream."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from forebay.api.anthropic.errors import error_event
from forebay.api.chat.answer import Answer, arguments_of
from forebay.api.chat.parts import Reasoning, Redacted, Refusal, Text, ToolCall
from forebay.core.errors import ForebayError
from forebay.core.stream import payloads
from forebay.core.types import Call, Usage

NO_USAGE = Usage()
PING = b'event: ping\ndata: {"type":"ping"}\n\n'

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]
Block = dict[str, Any]


class CacheCreation(Struct, frozen=True):
    """What went into the cache, by how long it stays; upstreams do not say, and 5 minutes is the default."""

    ephemeral_5m_input_tokens: int
    ephemeral_1h_input_tokens: int = 0


class OutputDetails(Struct, frozen=True):
    """Of which the client may not see everything."""

    thinking_tokens: int


class DeltaUsage(Struct, frozen=True):
    """``usage`` of a ``message_delta``: all tokens up to now; those of the cache do not count as input."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens_details: OutputDetails
    server_tool_use: None = None


class MessageUsage(DeltaUsage, frozen=True):
    """``usage`` of a message."""

    cache_creation: CacheCreation = CacheCreation(0)
    service_tier: Literal["standard"] = "standard"
    inference_geo: None = None


class Message(Struct, frozen=True):
    """The model's turn; in ``message_start`` still without content."""

    id: str
    model: str
    content: list[Block]
    usage: MessageUsage
    stop_reason: StopReason | None = None
    stop_sequence: str | None = None
    stop_details: dict[str, str | None] | None = None
    container: None = None
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"


def message(call: Call, body: bytes) -> bytes:
    """The whole answer in ``body``.

    Raises:
        UpstreamError: there is none in it.
    """
    answer = Answer.of(_hex(call), body)
    content = [_whole(part) for part in answer.parts]
    usage = _total(answer.usage or call.trace.usage)
    return msgspec.json.encode(Message(_id(call), call.request.model, content, usage, **_end(answer)))


class MessageEvents:
    """Writes an answer down as events, as it comes."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._answer = Answer(_hex(call), self)
        self._out: list[bytes] = []
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        """What the chat's events in ``data`` tell."""
        found = payloads(data)
        if not self._begun:
            self._begin()
        elif not found:
            return PING
        for payload in found:
            if payload != b"[DONE]":
                self._answer.feed(payload)
        return self._taken()

    def end(self) -> bytes:
        """The last events.

        Raises:
            UpstreamError: the answer is not whole.
        """
        answer = self._answer
        answer.end()
        delta = {"stop_reason": None, "stop_sequence": None, "stop_details": None, "container": None, **_end(answer)}
        usage = _so_far(answer.usage or self._call.trace.usage)
        self._write("message_delta", delta=delta, usage=usage)
        self._write("message_stop")
        return self._taken()

    def broken(self, error: ForebayError) -> bytes:
        """The events after which nothing comes, and which do not look like an end."""
        return self._taken() + error_event(error, self._call.id)

    def opened(self, index: int, part: Text) -> None:
        """A block begins."""
        self._write("content_block_start", index=index, content_block=_begun(part))

    def grew(self, index: int, part: Text, piece: str) -> None:
        """A block goes on."""
        self._write("content_block_delta", index=index, delta=_delta(part, piece))

    def closed(self, index: int, part: Text) -> None:
        """A block ends."""
        if isinstance(part, Reasoning) and part.signature:
            delta = {"type": "signature_delta", "signature": part.signature}
            self._write("content_block_delta", index=index, delta=delta)
        self._write("content_block_stop", index=index)

    def _begin(self) -> None:
        self._begun = True
        call = self._call
        start = Message(_id(call), call.request.model, [], _total(call.trace.usage))
        self._write("message_start", message=start)

    def _write(self, kind: str, **fields: object) -> None:
        self._out.append(b"event: " + kind.encode() + b"\ndata: " + _encode({"type": kind, **fields}) + b"\n\n")

    def _taken(self) -> bytes:
        out, self._out = self._out, []
        return b"".join(out)


_encode = msgspec.json.Encoder().encode


def _hex(call: Call) -> str:
    return call.id.removeprefix("req_")


def _id(call: Call) -> str:
    return f"msg_{_hex(call)}"


def _begun(part: Text) -> Block:
    """A block without what is yet to come."""
    match part:
        case ToolCall(id=call_id, name=name):
            return {"type": "tool_use", "id": call_id, "name": name, "input": {}, "caller": {"type": "direct"}}
        case Redacted(data=data):
            return {"type": "redacted_thinking", "data": data}
        case Reasoning():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case _:
            return {"type": "text", "text": "", "citations": None}


def _whole(part: Text) -> Block:
    block = _begun(part)
    match part:
        case ToolCall():
            block["input"] = arguments_of(part)
        case Redacted():
            pass
        case Reasoning(signature=signature):
            block |= {"thinking": part.text, "signature": signature}
        case _:
            block["text"] = part.text
    return block


def _delta(part: Text, piece: str) -> Block:
    match part:
        case ToolCall():
            return {"type": "input_json_delta", "partial_json": piece}
        case Reasoning():
            return {"type": "thinking_delta", "thinking": piece}
        case _:
            return {"type": "text_delta", "text": piece}


def _end(answer: Answer) -> dict[str, Any]:
    """Why the answer ended; the stop sequence is known only where the upstream tells it."""
    if answer.finish == "length":
        return {"stop_reason": "max_tokens"}
    if answer.finish == "content_filter" or any(isinstance(part, Refusal) for part in answer.parts):
        return {
            "stop_reason": "refusal",
            "stop_details": {"type": "refusal", "category": None, "explanation": None},
        }
    if answer.calls:
        return {"stop_reason": "tool_use"}
    if answer.stop is not None:
        return {"stop_reason": "stop_sequence", "stop_sequence": answer.stop}
    return {"stop_reason": "end_turn"}


def _so_far(usage: Usage | None) -> DeltaUsage:
    usage = usage or NO_USAGE
    read, written = usage.cached_tokens, usage.cache_write_tokens
    fresh = max(0, usage.prompt_tokens - read - written)
    return DeltaUsage(fresh, usage.completion_tokens, written, read, OutputDetails(usage.reasoning_tokens))


def _total(usage: Usage | None) -> MessageUsage:
    counts = msgspec.structs.asdict(_so_far(usage))
    return MessageUsage(**counts, cache_creation=CacheCreation(counts["cache_creation_input_tokens"]))
