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

    ``names`` are the bytes of each token, for logprobs; ``choices`` is how many answers a prompt gets.
    """

    _prefix: ClassVar[str]
    _whole: ClassVar[str]
    _chunk: ClassVar[str]

    def __init__(self, head: Head, names: Items[bytes], *, choices: int, logprobs: bool, include_usage: bool) -> None:
        self._id = f"{self._prefix}-{uuid.uuid4().hex}"
        self._head = head
        self._names = names
        self._choices = choices
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


def _usage(usage: Usage) -> _UsageBody:
    details = _PromptDetails(usage.cached_tokens)
    return _UsageBody(usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, details)
