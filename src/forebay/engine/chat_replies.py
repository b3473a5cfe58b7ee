"""How a chat's reply looks: OpenAI's ``chat.completion`` and ``chat.completion.chunk``."""

import msgspec
from msgspec import UNSET, UnsetType

from forebay.engine.replies import Format
from forebay.engine.sequence import Finish
from forebay.engine.text import Entry


class _Alternative(msgspec.Struct, frozen=True):
    token: str
    logprob: float
    bytes: list[int]


class TokenLogprob(msgspec.Struct, frozen=True):
    """A token, its probability, and those of the likeliest ones."""

    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[_Alternative]


class ChatLogprobs(msgspec.Struct, frozen=True):
    """The probabilities of a choice's tokens."""

    content: list[TokenLogprob]
    refusal: None = None


class FunctionPart(msgspec.Struct, frozen=True):
    """Of a call: its arguments, or the next part of them; its name with the first."""

    arguments: str
    name: str | UnsetType = UNSET


class ToolCall(msgspec.Struct, frozen=True):
    """A call, or the next part of one in a stream, where calls are told apart by ``index``."""

    function: FunctionPart
    index: int | UnsetType = UNSET
    id: str | UnsetType = UNSET
    type: str | UnsetType = UNSET


class Delta(msgspec.Struct, frozen=True):
    """What a chunk adds to a choice."""

    role: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    refusal: UnsetType | None = UNSET
    tool_calls: list[ToolCall] | UnsetType = UNSET


class ChatPart(msgspec.Struct, frozen=True):
    """A choice's part in a chunk."""

    index: int
    delta: Delta
    logprobs: ChatLogprobs | None
    finish_reason: str | None


class Message(msgspec.Struct, frozen=True):
    """What the model says; nothing but its calls, where it only calls."""

    role: str
    content: str | None
    refusal: None = None
    tool_calls: list[ToolCall] | UnsetType = UNSET


class ChatChoice(msgspec.Struct, frozen=True):
    """A choice of a whole reply."""

    index: int
    message: Message
    logprobs: ChatLogprobs | None
    finish_reason: str | None


class ChatFormat(Format[TokenLogprob, ChatLogprobs]):
    """``/v1/chat/completions``."""

    _prefix = "chatcmpl"
    _whole = "chat.completion"
    _chunk = "chat.completion.chunk"

    def opening(self) -> bytes:
        """The role, which stands in the first delta of each choice only."""
        delta = Delta(role="assistant", content="", refusal=None)
        return b"".join(self._event(ChatPart(index, delta, None, None)) for index in range(self._choices))

    def _entry(self, entry: Entry) -> TokenLogprob:
        alternatives = [
            _Alternative(self._name(token), logprob, list(self._names[token])) for token, logprob in entry.logprobs.top
        ]
        name = self._names[entry.token]
        return TokenLogprob(self._name(entry.token), entry.logprobs.logprob, list(name), alternatives)

    def _logprobs(self, entries: list[TokenLogprob]) -> ChatLogprobs | None:
        return ChatLogprobs(entries) if self._with_logprobs else None

    def _part(self, index: int, text: str, logprobs: ChatLogprobs | None) -> ChatPart:
        return ChatPart(index, Delta(content=text), logprobs, None)

    def _end(self, index: int, finish: Finish) -> ChatPart:
        return ChatPart(index, Delta(), None, finish)

    def _choice(self, index: int, text: str, logprobs: ChatLogprobs | None, finish: Finish | None) -> ChatChoice:
        return ChatChoice(index, Message("assistant", text), logprobs, finish)
