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


class _TokenLogprob(msgspec.Struct, frozen=True):
    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[_Alternative]


class _ChatLogprobs(msgspec.Struct, frozen=True):
    content: list[_TokenLogprob]
    refusal: None = None


class _Delta(msgspec.Struct, frozen=True):
    role: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    refusal: UnsetType | None = UNSET


class _ChatPart(msgspec.Struct, frozen=True):
    index: int
    delta: _Delta
    logprobs: _ChatLogprobs | None
    finish_reason: Finish | None


class _Message(msgspec.Struct, frozen=True):
    role: str
    content: str
    refusal: None = None


class _ChatChoice(msgspec.Struct, frozen=True):
    index: int
    message: _Message
    logprobs: _ChatLogprobs | None
    finish_reason: Finish | None


class ChatFormat(Format[_TokenLogprob, _ChatLogprobs]):
    """``/v1/chat/completions``."""

    _prefix = "chatcmpl"
    _whole = "chat.completion"
    _chunk = "chat.completion.chunk"

    def opening(self) -> bytes:
        """The role, which stands in the first delta of each choice only."""
        delta = _Delta(role="assistant", content="", refusal=None)
        return b"".join(self._event(_ChatPart(index, delta, None, None)) for index in range(self._choices))

    def _entry(self, entry: Entry) -> _TokenLogprob:
        alternatives = [
            _Alternative(self._name(token), logprob, list(self._names[token])) for token, logprob in entry.logprobs.top
        ]
        name = self._names[entry.token]
        return _TokenLogprob(self._name(entry.token), entry.logprobs.logprob, list(name), alternatives)

    def _logprobs(self, entries: list[_TokenLogprob]) -> _ChatLogprobs | None:
        return _ChatLogprobs(entries) if self._with_logprobs else None

    def _part(self, index: int, text: str, logprobs: _ChatLogprobs | None) -> _ChatPart:
        return _ChatPart(index, _Delta(content=text), logprobs, None)

    def _end(self, index: int, finish: Finish) -> _ChatPart:
        return _ChatPart(index, _Delta(), None, finish)

    def _choice(self, index: int, text: str, logprobs: _ChatLogprobs | None, finish: Finish | None) -> _ChatChoice:
        return _ChatChoice(index, _Message("assistant", text), logprobs, finish)
