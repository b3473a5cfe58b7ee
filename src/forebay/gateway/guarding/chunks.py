"""Rewrites the chunks of a stream, so that they say only what the rules have cleared.

Each text of a choice (its content, its reasoning, the arguments of each call) has a passage of its own. When a choice
goes over from one kind of text to another, what is held of the one before leaves; so order is kept. Fields of no known
shape wait for the end (`aside`). Log probabilities repeat the text token by token, cleared or not: they are left out,
and so is what stands beside the choices and is neither a number nor an id.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, Final

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import UpstreamError
from forebay.core.stream import event
from forebay.core.verdicts import Side
from forebay.gateway.guarding.aside import Aside
from forebay.gateway.guarding.fields import is_encoded, is_structure, is_word, structural
from forebay.gateway.guarding.inspection import Inspection
from forebay.gateway.guarding.passage import Passage
from forebay.gateway.guarding.reaction import Reaction, Violation
from forebay.gateway.guarding.texts import Fields
from forebay.gateway.guarding.whole import FILTERED

THOUGHT: Final = "reasoning_content"
FUNCTION: Final = -1
"""The number of a call that is the only one there may be."""
MOST_CHOICES: Final = 1024
MOST_TEXTS: Final = 1024
"""So many texts one choice may have."""
_SHAPED: Final = frozenset({"role", "content", "tool_calls", "function_call", "thinking_blocks"})
_ENCODED: Final = ("signature", "data")


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
        if fields.get("error"):
            raise UpstreamError("The upstream broke off its answer.")  # with words that nobody has judged
        found = fields.get("choices")
        choices = found if isinstance(found, list) else []
        used = fields.get("usage")
        head = structural({key: value for key, value in fields.items() if not isinstance(value, dict)})
        self.spoke = False
        self._head = {**head, "usage": None} if "usage" in fields else head  # it has a chunk of its own
        out = b""
        for position, choice in enumerate(choices):
            if isinstance(choice, dict):
                out += b"".join([self._event(each) async for each in self._voice(choice, position).said(choice)])
        if isinstance(used, dict) and used:
            out += event(msgspec.json.encode({**head, "choices": [], "usage": structural(used)}))
        elif not choices:
            out = event(msgspec.json.encode({**self._head, "choices": []}))
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
            if len(self._voices) >= MOST_CHOICES:
                raise UpstreamError("The upstream sent more choices than guards can hold.")
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
        self._unended: dict[str | int, None] = {}
        self._open: str | None = None
        self._role: str | None = None
        self._aside = Aside(inspection)
        self._told: set[tuple[int, str]] = set()
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
                yield self.finished(reason if is_word(reason) else "stop")
        except Violation as violation:
            if violation.reaction is not Reaction.REFRAIN:
                raise
            yield self.finished(FILTERED)

    async def rest(self) -> AsyncIterator[Fields]:
        """What is left of the texts; a choice that said nothing is judged for that."""
        if self.over:
            return
        if not self._passages and not self._told:
            self._passage("content", Side.OUTPUT)
        for key in list(self._unended):
            if tail := await self._ended(key):
                yield self._choice(_delta(key, tail))
        for piece in await self._aside.rest():
            yield self._choice(piece)

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
        self._role = role if is_word(role) else self._role
        for key, piece in self._texts(delta):
            if piece:
                yield await self._closed(key)
                yield await self._spoken(key, piece)
        if signed := list(_signed(delta.get("thinking_blocks"))):
            yield await self._closed(None)
            yield {"thinking_blocks": signed}
        for key in ("tool_calls", "function_call"):
            if delta.get(key):
                yield await self._closed(None)
                yield await self._called(key, delta[key])
        for key in (each for each in delta if each not in _SHAPED and not isinstance(delta[each], (str, type(None)))):
            self._aside.take(key, delta[key])

    def _texts(self, delta: Fields) -> Iterable[tuple[str, str]]:
        """The pieces of plain text in ``delta``, reasoning first; blocks of it only where nothing else tells it."""
        plain = {key: text for key, text in delta.items() if isinstance(text, str) and key != "role" and is_word(key)}
        self._thought = self._thought or any(key.startswith("reason") for key in plain)
        if not self._thought:
            yield THOUGHT, "".join(_said(block, "thinking") for block in _objects(delta.get("thinking_blocks")))
        parts = _objects(delta.get("content"))
        yield THOUGHT, "".join(map(_thought_of, parts))
        yield from sorted(plain.items(), key=lambda item: not item[0].startswith("reason"))
        yield "content", "".join(_said(part, "text") for part in parts)

    async def _closed(self, key: str | None) -> Fields:
        """What is held of another text than ``key``, which may go on later, but leaves up to here."""
        before, self._open = self._open, key
        if before is None or before == key or before not in self._unended:
            return {}
        tail = await self._ended(before)
        return _delta(before, tail) if tail else {}

    async def _ended(self, key: str | int) -> str:
        del self._unended[key]
        return await self._passages[key].end()

    async def _spoken(self, key: str, piece: Any) -> Fields:  # noqa: ANN401  # a foreign field
        if not isinstance(piece, str) or not piece:
            return {}
        text = await self._passage(key, Side.OUTPUT).feed(piece)
        return {key: text} if text else {}

    async def _called(self, key: str, value: Any) -> Fields:  # noqa: ANN401  # a foreign field
        if key == "function_call":
            told = await self._call({"function": value}, FUNCTION)
            return {key: told["function"]} if told else {}
        calls = []
        for position, call in enumerate(_objects(value)):
            index = call.get("index")
            calls.append(await self._call(call, index if isinstance(index, int) else position))
        return {key: [each for each in calls if each]} if any(calls) else {}

    async def _call(self, call: Fields, number: int) -> Fields:
        """A piece of a call with what may leave of its arguments; nothing where that is nothing."""
        told: Fields = {}
        for key in ("id", "type"):
            told |= await self._once(number, key, call.get(key))
        for holder, field in (("function", "arguments"), ("custom", "input")):
            part = call.get(holder)
            if isinstance(part, dict):
                name = await self._once(number, "name", part.get("name"))
                piece = part.get(field)
                raw = piece if isinstance(piece, str) else msgspec.json.encode(piece).decode() if piece else ""
                text = await self._passage(number, Side.TOOL_ARGUMENTS).feed(raw) if raw else ""
                told |= {holder: {**name, field: text}} if name or text else {}
        if number == FUNCTION:
            return told
        rest = {key: call[key] for key in call if key not in {"index", "id", "type", "function", "custom"}}
        if rest:
            self._aside.take("tool_calls", [{"index": number, **rest}])
        return {"index": number, **told} if told else {}

    async def _once(self, number: int, key: str, value: Any) -> Fields:  # noqa: ANN401  # a foreign field
        """A name or the like, of which only the first is told: clients put together what comes in pieces."""
        if not isinstance(value, str) or not value or (number, key) in self._told:
            return {}
        self._told.add((number, key))
        self._check_room()
        if not is_structure(key, value):
            value = await self._inspection.of_reply(Side.TOOL_ARGUMENTS).end(value)
        return {key: value}

    def _passage(self, key: str | int, side: Side) -> Passage:
        self._unended[key] = None
        passage = self._passages.get(key)
        if passage is None:
            self._check_room()
            passage = self._passages[key] = self._inspection.of_reply(side)
        return passage

    def _check_room(self) -> None:
        if len(self._passages) + len(self._told) > MOST_TEXTS:
            raise UpstreamError("The upstream sent more texts than guards can hold.")

    def _choice(self, delta: Fields, reason: str | None = None) -> Fields:
        choice: Fields = {"index": self._index, "logprobs": None, "finish_reason": reason}
        if not self._chat:
            return {**choice, "text": delta.get("text", "")}
        if self._role is not None:
            delta = {"role": self._role, **delta}
            self._role = None
        return {**choice, "delta": delta}


def _signed(blocks: Any) -> Iterator[Fields]:  # noqa: ANN401  # a foreign field
    """Blocks of reasoning without their text, which has its own way: what their vendor signed, or encrypted."""
    for block in _objects(blocks):
        told = {key: block[key] for key in _ENCODED if isinstance(block.get(key), str) and is_encoded(block[key])}
        if any(told.values()):
            kind = block.get("type")
            text = {"thinking": ""} if "thinking" in block else {}
            yield {**({"type": kind} if is_word(kind) else {}), **text, **told}


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
