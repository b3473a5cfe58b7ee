"""OpenAI's chat replies, whole and in chunks, read as tolerantly as sloppy upstreams need it.

A whole reply is read as if it were one chunk: its ``message`` has the fields of a ``delta``.
"""

from typing import Any

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import UpstreamError
from forebay.core.usage import Counted


class FunctionPiece(msgspec.Struct):
    """A function's name, or a piece of its arguments; some vendors have an object for all of them."""

    name: str | None = None
    arguments: str | dict[str, msgspec.Raw] | None = None

    @property
    def text(self) -> str:
        """The arguments as JSON, as far as they stand here."""
        if isinstance(self.arguments, dict):
            return msgspec.json.encode(self.arguments).decode()
        return self.arguments or ""


class CallPiece(msgspec.Struct):
    """A tool call or a piece of one; whole messages have no ``index``, and some streams have none either."""

    index: int | None = None
    id: str | int | None = None
    function: FunctionPiece | None = None


class ThinkingPiece(msgspec.Struct):
    """A block of reasoning that its vendor signed or encrypted, and wants back.

    It comes whole, or its text in pieces without a signature and then a signature without a text.
    """

    type: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None


class Delta(msgspec.Struct):
    """What a chunk adds, or the whole message. Text may stand in parts, reasoning has two names."""

    content: str | list[Any] | None = None
    reasoning_content: str | None = None
    reasoning: Any = None
    thinking_blocks: list[ThinkingPiece] | None = None
    refusal: str | None = None
    tool_calls: list[CallPiece] | None = None
    function_call: FunctionPiece | None = None

    @property
    def thought(self) -> str:
        """The reasoning in clear text."""
        if self.reasoning_content is not None:
            return self.reasoning_content
        return self.reasoning if isinstance(self.reasoning, str) else ""


class Choice(msgspec.Struct):
    """``choices[]``; ``stop_reason`` (vLLM) and ``matched_stop`` (SGLang) tell the stop string that was met."""

    index: int = 0
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    stop_reason: Any = None
    matched_stop: Any = None


class Chunk(msgspec.Struct):
    """One event of a stream, or a whole reply."""

    choices: list[Choice] | None = None
    usage: Counted | None = None
    error: Any = None


_chunks = msgspec.json.Decoder(Chunk)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def chunk_of(payload: bytes) -> Chunk:
    """What ``payload`` says.

    Raises:
        UpstreamError: it is an error, or something that no chat answers.
    """
    try:
        chunk = _decoded(payload)
    except MALFORMED:
        raise UpstreamError("The upstream sent something that is no chat completion.") from None
    if chunk.error:
        raise UpstreamError("The upstream broke off its answer with an error.")
    return chunk


def _decoded(payload: bytes) -> Chunk:
    try:
        return _chunks.decode(payload)
    except msgspec.ValidationError:  # a usage of another shape must not make an answer useless
        fields = _fields.decode(payload)
        fields.pop("usage", None)
        return _chunks.decode(msgspec.json.encode(fields))
