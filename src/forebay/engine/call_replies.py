"""How a chat's reply looks where tools may be called: its text is read for calls while it comes."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import UNSET

from forebay.engine.chat_replies import (
    ChatChoice,
    ChatFormat,
    ChatLogprobs,
    ChatPart,
    Delta,
    FunctionPart,
    Message,
    TokenLogprob,
    ToolCall,
)
from forebay.engine.sequence import Finish
from forebay.engine.text import Piece
from forebay.engine.tool_calls import Begin, Content, Found, Reader


class _Choice:
    """What is known of one choice of a stream: its reader, how many calls there are, logprobs that wait to be told."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.calls = 0
        self.waiting: list[TokenLogprob] = []


class CallFormat(ChatFormat):
    """``/v1/chat/completions`` with tools; ``reader`` makes what reads one choice."""

    def __init__(self, reader: Callable[[], Reader], *args: Any, **options: Any) -> None:  # noqa: ANN401 - the format's own
        super().__init__(*args, **options)
        self._reader = reader
        self._read: defaultdict[int, _Choice] = defaultdict(lambda: _Choice(reader()))

    def chunk(self, piece: Piece) -> bytes:
        """The events that tell what a piece makes certain, then the end if it is the last."""
        choice = self._read[piece.choice]
        choice.waiting += self._written(piece.entries)
        found = choice.reader.feed(piece.text)
        if piece.finish:
            found += choice.reader.end()
        deltas = list(_deltas(choice, found))
        if piece.finish and choice.waiting and not deltas:
            deltas.append(Delta(content=""))
        events = b""
        for delta in deltas:
            told, choice.waiting = choice.waiting, []
            events += self._event(ChatPart(piece.choice, delta, self._logprobs(told), None))
        if piece.finish:
            end = ChatPart(piece.choice, Delta(), None, _reason(piece.finish, called=choice.calls > 0))
            events += self._event(end)
        return events

    def _choice(self, index: int, text: str, logprobs: ChatLogprobs | None, finish: Finish | None) -> ChatChoice:
        reader = self._reader()
        content, calls = _collected([*reader.feed(text), *reader.end()])
        message = Message("assistant", content or (None if calls else ""), tool_calls=calls or UNSET)
        return ChatChoice(index, message, logprobs, _reason(finish, called=bool(calls)))


def _deltas(choice: _Choice, found: Iterable[Found]) -> Iterator[Delta]:
    for each in found:
        if isinstance(each, Content):
            yield Delta(content=each.text)
        elif isinstance(each, Begin):
            call = ToolCall(FunctionPart("", each.name), choice.calls, _id(), "function")
            choice.calls += 1
            yield Delta(tool_calls=[call])
        else:
            yield Delta(tool_calls=[ToolCall(FunctionPart(each.text), choice.calls - 1)])


def _collected(found: Iterable[Found]) -> tuple[str, list[ToolCall]]:
    content: list[str] = []
    calls: list[tuple[str, list[str]]] = []
    for each in found:
        if isinstance(each, Content):
            content.append(each.text)
        elif isinstance(each, Begin):
            calls.append((each.name, []))
        else:
            calls[-1][1].append(each.text)
    made = [ToolCall(FunctionPart("".join(parts), name), id=_id(), type="function") for name, parts in calls]
    return "".join(content), made


def _id() -> str:
    return f"call_{uuid.uuid4().hex[:24]}"


def _reason(finish: Finish | None, *, called: bool) -> str | None:
    return "tool_calls" if called and finish == "stop" else finish
