"""OpenAI's chat completions, whole and in chunks, as they are written for clients.

What strict clients insist on is easily forgotten: ``logprobs`` and ``refusal`` are always there, ``tool_calls`` and the
details of a usage are never null. Beyond OpenAI's fields stand ``reasoning_content`` (as DeepSeek has it),
``thinking_blocks`` and ``extra_content`` (what a vendor wants back with the next request).

Source: OpenAI's API reference, ``CreateChatCompletionResponse`` and ``CreateChatCompletionStreamResponse``.
"""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from forebay.core.types import Usage


class FunctionPiece(Struct):
    """A function's name, or a piece of its arguments, or both."""

    name: str | UnsetType = UNSET
    arguments: str = ""


class CallPiece(Struct):
    """A tool call, or a piece of one: ``id``, ``type`` and the name stand in the first piece only."""

    function: FunctionPiece
    index: int | UnsetType = UNSET
    id: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    extra_content: Any = UNSET


class ThinkingPiece(Struct):
    """A whole block of signed reasoning; ``index`` is what openai-python needs to put a stream together."""

    type: str
    index: int | UnsetType = UNSET
    thinking: str | UnsetType = UNSET
    signature: str | UnsetType = UNSET
    data: str | UnsetType = UNSET


class Delta(Struct):
    """What a chunk adds to a message."""

    role: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET
    thinking_blocks: list[ThinkingPiece] | UnsetType = UNSET
    tool_calls: list[CallPiece] | UnsetType = UNSET
    extra_content: Any = UNSET


class TokenLogprob(Struct):
    """A token that might have stood here."""

    token: str
    logprob: float
    bytes: list[int] | None = None


class ChosenLogprob(Struct):
    """The token that does stand here, and the likeliest."""

    token: str
    logprob: float
    bytes: list[int] | None
    top_logprobs: list[TokenLogprob]


class Logprobs(Struct):
    """The log-probabilities of an answer."""

    content: list[ChosenLogprob] | None
    refusal: None = None


class ChunkChoice(Struct):
    """``choices[]`` of a chunk."""

    index: int
    delta: Delta
    logprobs: Logprobs | None = None
    finish_reason: str | None = None


class PromptDetails(Struct):
    """``cache_write_tokens`` is not OpenAI's, who does not bill them."""

    cached_tokens: int = 0
    cache_write_tokens: int | UnsetType = UNSET


class CompletionDetails(Struct):
    """Of which the client sees nothing."""

    reasoning_tokens: int = 0


class Counted(Struct):
    """``usage``."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails

    @classmethod
    def of(cls, usage: Usage) -> "Counted":
        """As clients read it."""
        return cls(
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.total_tokens,
            PromptDetails(usage.cached_tokens, usage.cache_write_tokens or UNSET),
            CompletionDetails(usage.reasoning_tokens),
        )


class Chunk(Struct):
    """One event of a stream."""

    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Counted | UnsetType | None = UNSET
    object: str = "chat.completion.chunk"


class Message(Struct):
    """The model's whole message."""

    content: str | None
    role: str = "assistant"
    refusal: None = None
    reasoning_content: str | UnsetType = UNSET
    thinking_blocks: list[ThinkingPiece] | UnsetType = UNSET
    tool_calls: list[CallPiece] | UnsetType = UNSET
    extra_content: Any = UNSET


class Choice(Struct):
    """``choices[]`` of a whole completion."""

    index: int
    message: Message
    finish_reason: str
    logprobs: Logprobs | None = None


class Completion(Struct):
    """A whole completion."""

    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: Counted | UnsetType = UNSET
    object: str = "chat.completion"
