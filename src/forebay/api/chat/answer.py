"""Puts an answer together from chunks, however they are cut, and tells of each part from its begin to its end.

The dialects want one part after the other, while a chat may send pieces of several tool calls in turn. So one part is
open at a time; those that began after it wait until it is whole. A tool call is whole when its arguments are a JSON
object, or when the answer ends: then late pieces are never lost, and in a well-behaved stream nothing waits.
"""

import re
from collections.abc import Iterable

import msgspec

from forebay.api.chat.chunks import CallPiece, Choice, Delta, FunctionPiece, ThinkingPiece, chunk_of
from forebay.api.chat.parts import Listener, Reasoning, Redacted, Refusal, Silence, Text, ToolCall
from forebay.core.decode import MALFORMED
from forebay.core.errors import UpstreamError
from forebay.core.types import Usage

_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Answer:
    """One answer: its ``parts``, why it ended (``finish``, ``stop`` is the stop string that was met) and the usage."""

    def __init__(self, answer_id: str, listener: Listener | None = None) -> None:
        self.parts: list[Text] = []
        self.finish: str | None = None
        self.stop: str | None = None
        self.usage: Usage | None = None
        self._id = answer_id
        self._listener = listener or Silence()
        self._head = 0
        self._open = False
        self._calls: dict[int, ToolCall] = {}
        self._sources: dict[str, ToolCall] = {}

    @classmethod
    def of(cls, answer_id: str, body: bytes) -> "Answer":
        """The answer in a whole reply.

        Raises:
            UpstreamError: there is none in it.
        """
        answer = cls(answer_id)
        answer.feed(body)
        answer.end()
        return answer

    @property
    def calls(self) -> bool:
        """Whether a tool is called."""
        return bool(self._sources)

    def feed(self, payload: bytes) -> None:
        """Take a chunk, or a whole reply.

        Raises:
            UpstreamError: it is none.
        """
        chunk = chunk_of(payload)
        if chunk.usage is not None:
            self.usage = chunk.usage.usage()
        for choice in chunk.choices or ():
            if choice.index == 0:
                self._take(choice)

    def end(self) -> None:
        """Nothing more will come.

        Raises:
            UpstreamError: the answer is not whole.
        """
        if self.finish is None:
            raise UpstreamError("The upstream ended its answer before it was whole.")
        while self._head < len(self.parts):
            if not self._open:
                self._begin()
            if not self._open:
                raise UpstreamError("The upstream sent a tool call without a name.")
            self._close()

    def _take(self, choice: Choice) -> None:
        if choice.delta is not None:
            self._add(choice.delta)
        if choice.message is not None:
            for number, call in enumerate(choice.message.tool_calls or ()):
                call.index = number
            self._add(choice.message)
        if choice.finish_reason is not None:
            self.finish = choice.finish_reason
            met = choice.stop_reason if choice.stop_reason is not None else choice.matched_stop
            self.stop = met if isinstance(met, str) else None

    def _add(self, delta: Delta) -> None:
        if delta.thinking_blocks:
            for block in delta.thinking_blocks:
                self._think(block)
        elif delta.thought:
            self._say(Reasoning, delta.thought)
        if isinstance(delta.content, str):
            self._say(Text, delta.content)
        else:
            for each in delta.content or ():
                self._say(*_said(each))
        if delta.refusal:
            self._say(Refusal, delta.refusal)
        for call in delta.tool_calls or ():
            self._call(call)
        if delta.function_call is not None:
            self._call(CallPiece(0, None, delta.function_call))

    def _think(self, block: ThinkingPiece) -> None:
        """A block of reasoning; most often its text has been told before, and now comes the signature."""
        text = block.thinking or ""
        if block.type == "redacted_thinking":
            self._append(Redacted([], data=block.data or ""))
        elif not block.signature:
            self._say(Reasoning, text)
        else:
            part = self._unsigned()
            told = part.text if part else ""
            if part is None or not (text.startswith(told) or not text):
                part, told = Reasoning([]), ""
                self._append(part)
            self._grow(part, text[len(told) :])
            part.signature = block.signature

    def _unsigned(self) -> Reasoning | None:
        """The reasoning that was told last, unless it is whole."""
        last = self.parts[-1] if self.parts else None
        return last if isinstance(last, Reasoning) and not last.signature else None

    def _say(self, kind: type[Text], piece: str) -> None:
        if not piece:
            return
        last = self.parts[-1] if self.parts else None
        if kind is Reasoning:
            last = self._unsigned()
        if last is None or type(last) is not kind:
            last = kind([])
            self._append(last)
        self._grow(last, piece)

    def _call(self, piece: CallPiece) -> None:
        function = piece.function or FunctionPiece()
        call = self._found(piece, function.name or "")
        if function.name and not call.name:
            call.name = function.name
            self._advance()
        self._grow(call, function.text)
        self._advance()

    def _found(self, piece: CallPiece, name: str) -> ToolCall:
        """The call that ``piece`` belongs to; a new one, if it has another id and a name of its own."""
        source = "" if piece.id is None else str(piece.id)
        index = piece.index
        if index is None:
            known = self._sources.get(source) if source else None
            index = next((number for number, call in self._calls.items() if call is known), None)
            if index is None:
                index = max(self._calls, default=-1) + bool(name or source or not self._calls)
        call = self._calls.get(index)
        if call is None or (name and call.name and source and self._sources.get(source) is not call):
            call = ToolCall([], id=self._named(source))
            self._calls[index] = call
            self._sources[source or call.id] = call
            self._append(call)
        return call

    def _named(self, source: str) -> str:
        """An id that every dialect allows: the upstream's own, if it has one and has not used it before."""
        safe = _NOT_IN_IDS.sub("_", source)
        if len(safe) > 1 and all(call.id != safe for call in self._sources.values()):
            return safe
        return f"call_{self._id}_{len(self._sources)}"

    def _append(self, part: Text) -> None:
        self.parts.append(part)
        self._advance()

    def _grow(self, part: Text, piece: str) -> None:
        if not piece:
            return
        part.pieces.append(piece)
        if self._open and part is self.parts[self._head]:
            self._listener.grew(self._head, part, piece)

    def _advance(self) -> None:
        """Open the first part that is not closed, and close it if it is whole and another waits."""
        while self._head < len(self.parts):
            if not self._open:
                self._begin()
            if not self._open or self._head + 1 == len(self.parts) or not _is_whole(self.parts[self._head]):
                return
            self._close()

    def _begin(self) -> None:
        part = self.parts[self._head]
        if isinstance(part, ToolCall) and not part.name:
            return
        self._open = True
        self._listener.opened(self._head, part)
        if part.pieces:
            self._listener.grew(self._head, part, part.text)

    def _close(self) -> None:
        part = self.parts[self._head]
        if isinstance(part, ToolCall) and not part.text.strip():
            self._grow(part, "{}")
        self._listener.closed(self._head, part)
        self._open = False
        self._head += 1


def arguments_of(call: ToolCall) -> dict[str, msgspec.Raw]:
    """The arguments of a call as an object.

    A model may have written anything. What is no JSON object is given under the name ``arguments``: no tool takes it
    for what it is not, and nothing is lost.
    """
    found = _as_object(call.text)
    return {"arguments": msgspec.Raw(msgspec.json.encode(call.text))} if found is None else found


def _as_object(text: str) -> dict[str, msgspec.Raw] | None:
    try:
        return _objects.decode(text)
    except MALFORMED:
        return None


def _is_whole(part: Text) -> bool:
    if not isinstance(part, ToolCall):
        return True
    text = part.text
    return text.rstrip().endswith("}") and _as_object(text) is not None


def _said(part: object) -> tuple[type[Text], str]:
    """What a part of the content says, as some vendors have it: text, or reasoning in text or parts."""
    if not isinstance(part, dict):
        return Text, part if isinstance(part, str) else ""
    if part.get("type") == "thinking":
        return Reasoning, _joined(part.get("thinking"))
    return Text, _joined(part.get("text"))


def _joined(text: object) -> str:
    if isinstance(text, list):
        return "".join(_texts(text))
    return text if isinstance(text, str) else ""


def _texts(parts: Iterable[object]) -> Iterable[str]:
    for part in parts:
        if isinstance(part, dict) and isinstance(text := part.get("text"), str):
            yield text
