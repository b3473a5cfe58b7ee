"""Rewrites the chunks of a stream, so that they say only what the rules have cleared.

Each text of a choice (its content, its reasoning, the arguments of each call) has a passage of its own. When a choice
goes over from one kind of text to another, the one before it has ended; so order is kept and little is held back.
Log probabilities repeat the text token by token, cleared or not: they are left out.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import UpstreamError
from forebay.core.stream import event
from forebay.core.verdicts import Side
from forebay.gateway.guarding.inspection import Inspection
from forebay.gateway.guarding.passage import Passage
from forebay.gateway.guarding.reaction import Reaction, Violation
from forebay.gateway.guarding.texts import NO_TEXT, Fields, of_message
from forebay.gateway.guarding.whole import FILTERED

THOUGHT: Final = "reasoning_content"
FUNCTION: Final = -1
"""The number of a call that is the only one there may be."""


class Chunks:
    """All choices of one stream; ``spoke`` tells whether the chunk rewritten last says anything."""

    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection
        self._voices: dict[int, Voice] = {}
        self._head: Fields = {}
        self.spoke = False

    async def feed(self, payload: bytes) -> bytes:
        """What may leave because of a chunk, as events.

        Raises:
            Violation: nothing more may.
            UpstreamError: it is no chunk.
        """
        fields = _decoded(payload)
        choices = fields.get("choices")
        self.spoke = False
        if not isinstance(choices, list) or not choices:
            return event(payload)
        self._head = {**fields, "choices": []}
        if "usage" in fields:
            self._head["usage"] = None  # what was asked for has a chunk of its own
        out = b""
        for position, choice in enumerate(choices):
            if isinstance(choice, dict):
                out += b"".join([self._event(each) async for each in self._voice(choice, position).said(choice)])
        if fields.get("usage"):
            return out + event(msgspec.json.encode({**fields, "choices": []}))
        return out

    async def end(self) -> bytes:
        """What is left of choices that never ended."""
        out = [self._event(each) for voice in self._voices.values() async for each in voice.rest()]
        self._voices.clear()
        return b"".join(out)

    def broken(self) -> bytes:
        """The end of all choices that have not ended, because of a violation."""
        return b"".join(self._event(voice.finished(FILTERED)) for voice in self._voices.values() if not voice.over)

    def _voice(self, choice: Fields, position: int) -> "Voice":
        index = choice.get("index")
        number = index if isinstance(index, int) else position
        if number not in self._voices:
            self._voices[number] = Voice(self._inspection, number, chat="text" not in choice)
        return self._voices[number]

    def _event(self, choice: Fields) -> bytes:
        self.spoke = self.spoke or bool(choice.get("text") or set(choice.get("delta") or ()) - {"role"})
        return event(msgspec.json.encode({**self._head, "choices": [choice]}))


class Voice:
    """One choice: the passages of its texts, the first part of a call's name and number being no text."""

    def __init__(self, inspection: Inspection, index: int, *, chat: bool) -> None:
        self._inspection = inspection
        self._index = index
        self._chat = chat
        self._passages: dict[str | int, Passage] = {}
        self._open: str | None = None
        self._role: str | None = None
        self._calls = False
        self._thought = False
        self.over = False

    async def said(self, choice: Fields) -> AsyncIterator[Fields]:
        """What may leave of ``choice``, in order."""
        if self.over:
            return
        try:
            async for delta in self._deltas(choice):
                if delta:
                    yield self._choice(delta)
            if (reason := choice.get("finish_reason")) is not None:
                async for each in self.rest():
                    yield each
                yield self.finished(reason)
        except Violation as violation:
            if violation.reaction is not Reaction.REFRAIN:
                raise
            yield self.finished(FILTERED)

    async def rest(self) -> AsyncIterator[Fields]:
        """What is left of the texts; a choice that said nothing is judged for that."""
        if self.over:
            return
        if not self._passages and not self._calls:
            self._passage("content", Side.OUTPUT)
        for key in list(self._passages):
            if tail := await self._passages.pop(key).end():
                yield self._choice(_delta(key, tail))

    def finished(self, reason: str) -> Fields:
        """The end of the choice."""
        self.over = True
        return self._choice({}, reason)

    async def _deltas(self, choice: Fields) -> AsyncIterator[Fields]:
        if not self._chat:
            yield await self._spoken("text", choice.get("text"))
            return
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return
        role = delta.get("role")
        self._role = role if isinstance(role, str) else self._role
        for key, piece in self._texts(delta):
            if piece:
                yield await self._closed(key)
                yield await self._spoken(key, piece)
        for key in (each for each in delta if each not in NO_TEXT and not isinstance(delta[each], (str, type(None)))):
            if key != "content":
                yield await self._closed(None)
                yield await self._built(key, delta[key])

    def _texts(self, delta: Fields) -> Iterable[tuple[str, str]]:
        """The pieces of plain text in ``delta``, reasoning first; blocks of it only where nothing else tells it."""
        plain = {key: delta[key] for key in delta if key not in NO_TEXT and isinstance(delta[key], str)}
        self._thought = self._thought or any(key.startswith("reason") for key in plain)
        if not self._thought:
            yield THOUGHT, "".join(_said(block, "thinking") for block in _objects(delta.get("thinking_blocks")))
        parts = _objects(delta.get("content"))
        yield THOUGHT, "".join(map(_thought_of, parts))
        yield from sorted(plain.items(), key=lambda item: not item[0].startswith("reason"))
        yield "content", "".join(_said(part, "text") for part in parts)

    async def _built(self, key: str, value: Any) -> Fields:  # noqa: ANN401  # a foreign field
        if key == "tool_calls":
            return await self._called(value)
        if key == "function_call" and isinstance(value, dict):
            told = await self._call({"function": value}, FUNCTION)
            return {key: told[0]["function"]} if told else {}
        return await self._judged(key, value)

    async def _closed(self, key: str | None) -> Fields:
        """The rest of another text than ``key``, which has ended where this one begins."""
        before, self._open = self._open, key
        if before is None or before == key or before not in self._passages:
            return {}
        tail = await self._passages.pop(before).end()
        return _delta(before, tail) if tail else {}

    async def _spoken(self, key: str, piece: Any) -> Fields:  # noqa: ANN401  # a foreign field
        if not isinstance(piece, str) or not piece:
            return {}
        text = await self._passage(key, Side.OUTPUT).feed(piece)
        return {key: text} if text else {}

    async def _called(self, calls: Any) -> Fields:  # noqa: ANN401  # a foreign field
        told = []
        for position, call in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(call, dict):
                index = call.get("index")
                told += await self._call({**call}, index if isinstance(index, int) else position)
        return {"tool_calls": told} if told else {}

    async def _call(self, call: Fields, number: int) -> list[Fields]:
        """A piece of a call with what may leave of its arguments; nothing where that is nothing."""
        told = {}
        for holder, field in (("function", "arguments"), ("custom", "input")):
            part = call.get(holder)
            if isinstance(part, dict):
                self._calls = True
                piece = part.pop(field, None)
                raw = piece if isinstance(piece, str) else msgspec.json.encode(piece).decode() if piece else ""
                text = await self._passage(number, Side.TOOL_ARGUMENTS).feed(raw) if raw else ""
                told[holder] = (field, text)
        await self._judge_rest(call, Side.TOOL_ARGUMENTS)
        for holder, (field, text) in told.items():
            call[holder][field] = text
        says = any(text or call[holder].get("name") for holder, (_, text) in told.items())
        return [call] if says or call.get("id") or call.keys() - {"index", "type", *told} else []

    async def _judged(self, key: str, value: Any) -> Fields:  # noqa: ANN401  # a foreign field
        """Something of an unknown shape, each text in it judged for itself."""
        fields = {key: _unspoken(value) if key == "thinking_blocks" else value}
        await self._judge_rest(fields, Side.OUTPUT)
        return fields if fields[key] else {}

    async def _judge_rest(self, fields: Fields, side: Side) -> None:
        for place in of_message(fields, side, "delta"):
            place.put(await self._inspection.of_reply(place.side).end(place.text))

    def _passage(self, key: str | int, side: Side) -> Passage:
        passage = self._passages.get(key)
        if passage is None:
            passage = self._passages[key] = self._inspection.of_reply(side)
        return passage

    def _choice(self, delta: Fields, reason: str | None = None) -> Fields:
        choice: Fields = {"index": self._index, "logprobs": None, "finish_reason": reason}
        if not self._chat:
            return {**choice, "text": delta.get("text", "")}
        if self._role is not None:
            delta = {"role": self._role, **delta}
            self._role = None
        return {**choice, "delta": delta}


def _unspoken(blocks: Any) -> list[Fields]:  # noqa: ANN401  # a foreign field
    """Blocks of reasoning without their text, which has its own way: what their vendor signed, or encrypted."""
    kept = [each for each in _objects(blocks) if each.get("signature") or each.get("data")]
    return [{**each, "thinking": ""} if "thinking" in each else each for each in kept]


def _thought_of(part: Fields) -> str:
    thoughts = part.get("thinking") if part.get("type") == "thinking" else None
    return thoughts if isinstance(thoughts, str) else "".join(_said(each, "text") for each in _objects(thoughts))


def _said(part: Fields, key: str) -> str:
    value = part.get(key)
    return value if isinstance(value, str) else ""


def _objects(value: Any) -> list[Fields]:  # noqa: ANN401  # a foreign field
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _delta(key: str | int, text: str) -> Fields:
    if isinstance(key, str):
        return {key: text}
    if key == FUNCTION:
        return {"function_call": {"arguments": text}}
    return {"tool_calls": [{"index": key, "function": {"arguments": text}}]}


def _decoded(payload: bytes) -> Fields:
    try:
        fields: Any = msgspec.json.decode(payload)
    except MALFORMED:
        fields = None
    if not isinstance(fields, dict):
        raise UpstreamError("The upstream sent something that guards cannot read.")
    return fields
