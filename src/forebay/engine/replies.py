"""Replies in OpenAI's form, streamed and whole. Chats and completions differ only in how a choice looks."""

import uuid
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence as Items
from typing import ClassVar, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from forebay.core.stream import DONE, event
from forebay.core.types import Usage
from forebay.engine.sequence import Finish
from forebay.engine.text import Entry, Piece


class _PromptDetails(msgspec.Struct, frozen=True):
    cached_tokens: int


class _UsageBody(msgspec.Struct, frozen=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: _PromptDetails


class _Body(msgspec.Struct, frozen=True):
    id: str
    object: str
    created: int
    model: str
    system_fingerprint: str
    choices: list[msgspec.Struct]
    usage: _UsageBody | UnsetType | None = UNSET


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


class _CompletionLogprobs(msgspec.Struct, frozen=True):
    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class _CompletionChoice(msgspec.Struct, frozen=True):
    text: str
    index: int
    logprobs: _CompletionLogprobs | None
    finish_reason: Finish | None


EntryT = TypeVar("EntryT")
LogprobsT = TypeVar("LogprobsT")


class _Collected(Generic[EntryT]):
    """What has come of one choice of a whole reply; logprobs are written as they come, not all at the end."""

    __slots__ = ("finish", "logprobs", "text")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.logprobs: list[EntryT] = []
        self.finish: Finish | None = None


class Head(NamedTuple):
    """What all parts of a reply say alike, besides its id."""

    created: int
    model: str
    system_fingerprint: str


class Format(ABC, Generic[EntryT, LogprobsT]):
    """Writes one reply: either the events of a stream, or what it has collected.

    ``names`` are the bytes of each token, for logprobs.
    """

    _prefix: ClassVar[str]
    _whole: ClassVar[str]
    _chunk: ClassVar[str]

    def __init__(self, head: Head, names: Items[bytes], *, logprobs: bool, include_usage: bool) -> None:
        self._id = f"{self._prefix}-{uuid.uuid4().hex}"
        self._head = head
        self._names = names
        self._with_logprobs = logprobs
        self._include_usage = include_usage
        self._collected: defaultdict[int, _Collected[EntryT]] = defaultdict(_Collected)

    def opening(self) -> bytes:
        """The events before all others."""
        return b""

    def chunk(self, piece: Piece) -> bytes:
        """The events that tell a piece: its content if there is any, then its end if it is the last."""
        events = b""
        if piece.text or piece.entries:
            events += self._event(self._part(piece.choice, piece.text, self._logprobs(self._written(piece.entries))))
        if piece.finish:
            events += self._event(self._end(piece.choice, piece.finish))
        return events

    def closing(self, usage: Usage) -> bytes:
        """The events after all others."""
        if not self._include_usage:
            return DONE
        return event(msgspec.json.encode(self._body(self._chunk, [], _usage(usage)))) + DONE

    def collect(self, piece: Piece) -> None:
        """Keep a piece for the whole reply."""
        collected = self._collected[piece.choice]
        collected.text.append(piece.text)
        collected.logprobs += self._written(piece.entries)
        collected.finish = piece.finish

    def whole(self, usage: Usage) -> bytes:
        """The reply in one piece."""
        choices = [
            self._choice(index, "".join(each.text), self._logprobs(each.logprobs), each.finish)
            for index, each in sorted(self._collected.items())
        ]
        return msgspec.json.encode(self._body(self._whole, choices, _usage(usage)))

    def _event(self, choice: msgspec.Struct) -> bytes:
        usage = None if self._include_usage else UNSET
        return event(msgspec.json.encode(self._body(self._chunk, [choice], usage)))

    def _body(self, kind: str, choices: list[msgspec.Struct], usage: _UsageBody | UnsetType | None) -> _Body:
        return _Body(self._id, kind, *self._head, choices, usage)

    def _written(self, entries: Items[Entry]) -> list[EntryT]:
        return [self._entry(entry) for entry in entries]

    @abstractmethod
    def _entry(self, entry: Entry) -> EntryT:
        """A token's logprobs."""

    @abstractmethod
    def _logprobs(self, entries: list[EntryT]) -> LogprobsT | None:
        """The logprobs of a part or of a choice, if they were asked for."""

    @abstractmethod
    def _part(self, index: int, text: str, logprobs: LogprobsT | None) -> msgspec.Struct:
        """A piece of a streamed choice."""

    @abstractmethod
    def _end(self, index: int, finish: Finish) -> msgspec.Struct:
        """The end of a streamed choice."""

    @abstractmethod
    def _choice(self, index: int, text: str, logprobs: LogprobsT | None, finish: Finish | None) -> msgspec.Struct:
        """A choice of a whole reply."""

    def _name(self, token: int) -> str:
        """A token as text; one that is no whole character as OpenAI writes it."""
        name = self._names[token]
        try:
            return name.decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in name)


class ChatFormat(Format[_TokenLogprob, _ChatLogprobs]):
    """``/v1/chat/completions``; it has one choice, until ``n`` is supported."""

    _prefix = "chatcmpl"
    _whole = "chat.completion"
    _chunk = "chat.completion.chunk"

    def opening(self) -> bytes:
        """The role, which stands in the first delta only."""
        return self._event(_ChatPart(0, _Delta(role="assistant", content="", refusal=None), None, None))

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


class _CompletionEntry(NamedTuple):
    token: str
    logprob: float
    alternatives: dict[str, float]
    start: int


class CompletionFormat(Format[_CompletionEntry, _CompletionLogprobs]):
    """``/v1/completions``."""

    _prefix = "cmpl"
    _whole = "text_completion"
    _chunk = "text_completion"

    def _entry(self, entry: Entry) -> _CompletionEntry:
        name, logprobs = self._name(entry.token), entry.logprobs
        alternatives = {self._name(token): logprob for token, logprob in logprobs.top}
        # OpenAI names the chosen token too, if it is none of the likeliest.
        return _CompletionEntry(name, logprobs.logprob, alternatives | {name: logprobs.logprob}, entry.start)

    def _logprobs(self, entries: list[_CompletionEntry]) -> _CompletionLogprobs | None:
        if not self._with_logprobs:
            return None
        return _CompletionLogprobs(
            tokens=[entry.token for entry in entries],
            token_logprobs=[entry.logprob for entry in entries],
            top_logprobs=[entry.alternatives for entry in entries],
            text_offset=[entry.start for entry in entries],
        )

    def _part(self, index: int, text: str, logprobs: _CompletionLogprobs | None) -> _CompletionChoice:
        return _CompletionChoice(text, index, logprobs, None)

    def _end(self, index: int, finish: Finish) -> _CompletionChoice:
        return _CompletionChoice("", index, None, finish)

    def _choice(
        self, index: int, text: str, logprobs: _CompletionLogprobs | None, finish: Finish | None
    ) -> _CompletionChoice:
        return _CompletionChoice(text, index, logprobs, finish)


def _usage(usage: Usage) -> _UsageBody:
    details = _PromptDetails(usage.cached_tokens)
    return _UsageBody(usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, details)
