"""Collects a stream while it passes, and puts the whole reply together when it has ended."""

from collections.abc import Callable
from typing import Any, Final, Self

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import ForebayError
from forebay.core.stream import payloads
from forebay.core.types import Event, Events, Operation, Usage
from forebay.gateway.cache.whole import Fields

Kept = Callable[[bytes | None], None]
"""Takes all events of a stream that has ended as it should; ``None``: they were more than fit."""

Lost = Callable[[ForebayError | None], None]
"""Takes the error of a stream that broke; ``None``: it was closed early."""

_STREAM_BYTES: Final = 8
"""A stream has about so many times the bytes of its whole reply: every token comes in an event of its own."""

_JOINED: Final = frozenset({"content", "refusal", "reasoning_content", "reasoning", "text", "arguments"})
_DONE: Final = b"[DONE]"


class Collecting:
    """A stream on its way to the client; ``kept`` is told when it is whole, ``lost`` when it never will be."""

    __slots__ = ("_events", "_kept", "_lost", "_open", "_pieces", "_room")

    def __init__(self, events: Events, max_entry: int, kept: Kept, lost: Lost) -> None:
        self._events = events
        self._kept = kept
        self._lost = lost
        self._pieces: list[bytes] = []
        self._room = max_entry * _STREAM_BYTES
        self._open = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            event = await self._events.__anext__()
        except StopAsyncIteration:
            self._end()
            raise
        except ForebayError as error:
            self._break(error)
            raise
        if self._room >= 0:
            self._room -= len(event.data)
            self._pieces.append(event.data)
            if self._room < 0:
                self._pieces.clear()
        return event

    async def aclose(self) -> None:
        """Close what is behind; an early end is none that could be kept."""
        try:
            await self._events.aclose()
        finally:
            self._break(None)

    def _end(self) -> None:
        if self._open:
            self._open = False
            self._kept(b"".join(self._pieces) if self._room >= 0 else None)
            self._pieces.clear()

    def _break(self, error: ForebayError | None) -> None:
        if self._open:
            self._open = False
            self._pieces.clear()
            self._lost(error)


class _Unclear(Exception):  # noqa: N818  # no failure: the stream is not stored, that is all
    """A stream holds something that cannot be put together without guessing."""


def assembled(operation: Operation, events: bytes, usage: Usage | None) -> bytes | None:
    """The whole reply that ``events`` tell, with ``usage`` if they do not; ``None`` if they tell none that is clear."""
    pieces = payloads(events)
    if not pieces or pieces[-1] != _DONE:
        return None
    try:
        return _assembled(operation, pieces[:-1], usage)
    except (*MALFORMED, _Unclear, TypeError, AttributeError, KeyError):
        return None


def _assembled(operation: Operation, pieces: list[bytes], usage: Usage | None) -> bytes:
    whole: Fields = {}
    choices: dict[int, Fields] = {}
    for piece in pieces:
        chunk: Fields = msgspec.json.decode(piece)
        if chunk.get("error"):
            raise _Unclear
        for choice in chunk.pop("choices", None) or ():
            _add_choice(choices.setdefault(choice.get("index", 0), {}), choice)
        whole |= {name: value for name, value in chunk.items() if value is not None}
    if operation is Operation.CHAT:
        whole["object"] = "chat.completion"
    whole["choices"] = [{"index": index, **choice} for index, choice in sorted(choices.items())]
    if usage is not None:
        whole.setdefault("usage", _told(usage))
    return msgspec.json.encode(whole)


def _add_choice(mine: Fields, choice: Fields) -> None:
    for name, value in choice.items():
        if name == "index" or (value is None and name in mine):
            continue
        if name == "delta":
            _merge(mine.setdefault("message", {"role": "assistant", "content": None}), value or {})
        elif name == "text":
            mine["text"] = mine.get("text", "") + value
        elif name == "logprobs" and value is not None:
            _merge_lists(mine, value)
        else:
            mine[name] = value


def _merge(mine: Fields, piece: Fields) -> None:
    """Add what a delta says; an unknown text that comes twice could mean anything."""
    for name, value in piece.items():
        known = mine.get(name)
        if value is None:
            mine.setdefault(name, None)
        elif known is None and name != "tool_calls":
            mine[name] = value
        elif name == "tool_calls":
            mine["tool_calls"] = _calls(known or [], value)
        elif isinstance(known, dict) and name == "function_call":
            _merge(known, value)
        elif (name in _JOINED and isinstance(known, str)) or (isinstance(known, list) and isinstance(value, list)):
            mine[name] = known + value
        elif known != value:
            raise _Unclear


def _calls(mine: list[Fields], pieces: list[Fields]) -> list[Fields]:
    for piece in pieces:
        index = piece["index"]
        if not 0 <= index <= len(mine):
            raise _Unclear
        if index == len(mine):
            mine.append({"function": {"name": None, "arguments": ""}})
        call = mine[index]
        for name, value in piece.items():
            if name == "function":
                _merge(call["function"], value)
            elif name != "index" and value is not None:
                call[name] = value
    return mine


def _merge_lists(mine: Fields, logprobs: Fields) -> None:
    known = mine.get("logprobs")
    if known is None:
        mine["logprobs"] = logprobs
        return
    for name, value in logprobs.items():
        known[name] = known[name] + value if known.get(name) is not None and value is not None else value or known[name]


def _told(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
