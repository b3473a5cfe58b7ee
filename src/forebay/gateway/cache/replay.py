"""Tells a stored reply as a stream."""

from collections.abc import Awaitable
from typing import Final, Self

import msgspec

from forebay.core.stream import DONE, event
from forebay.core.types import Event, Operation
from forebay.gateway.cache.whole import Fields, reply_id

_KINDS: Final = {Operation.CHAT: "chat.completion.chunk", Operation.COMPLETION: "text_completion"}
_OF_THE_WHOLE: Final = frozenset({"choices", "usage", "object", "id", "created"})


class Replay:
    """Events of a stored reply: its content in one piece, for it is all there, then its end."""

    __slots__ = ("_pieces",)

    def __init__(self, content: bytes, end: bytes) -> None:
        self._pieces = [Event(end, content=False), Event(content)]

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[Event]:
        return self._next()

    async def _next(self) -> Event:
        if not self._pieces:
            raise StopAsyncIteration
        return self._pieces.pop()

    async def aclose(self) -> None:
        """Nothing is behind it."""
        self._pieces.clear()


def replay(operation: Operation, stored: bytes, call_id: str, now: float, *, include_usage: bool) -> Replay:
    """The reply ``stored`` as the streamed answer to the call ``call_id``."""
    fields: Fields = msgspec.json.decode(stored)
    head: Fields = {"id": reply_id(operation, call_id), "object": _KINDS[operation], "created": int(now)}
    head |= {name: value for name, value in fields.items() if name not in _OF_THE_WHOLE}
    if include_usage:
        head["usage"] = None  # as OpenAI has it in all events but the last
    of = _chat_choice if operation is Operation.CHAT else _completion_choice
    pairs = [of(choice) for choice in fields["choices"]]
    content = [event(msgspec.json.encode(head | {"choices": [each]})) for each, _ in pairs]
    end = [event(msgspec.json.encode(head | {"choices": [each]})) for _, each in pairs]
    if include_usage and (usage := fields.get("usage")):
        end.append(event(msgspec.json.encode(head | {"choices": [], "usage": usage})))
    return Replay(b"".join(content), b"".join([*end, DONE]))


def _chat_choice(choice: Fields) -> tuple[Fields, Fields]:
    message = {name: value for name, value in (choice.get("message") or {}).items() if value is not None}
    for number, call in enumerate(message.get("tool_calls") or ()):
        call.setdefault("index", number)
    return _split(choice, "message", {"delta": message}, {"delta": {}})


def _completion_choice(choice: Fields) -> tuple[Fields, Fields]:
    return _split(choice, "text", {"text": choice.get("text") or ""}, {"text": ""})


def _split(choice: Fields, what: str, content: Fields, end: Fields) -> tuple[Fields, Fields]:
    """A choice's content, and how it ends; all else that it has, log probabilities first of all, is content."""
    index = {"index": choice.get("index", 0)}
    rest = {name: value for name, value in choice.items() if name not in {what, "index", "finish_reason"}}
    return (
        {**index, **rest, **content, "finish_reason": None},
        {**index, **end, "logprobs": None, "finish_reason": choice.get("finish_reason")},
    )
