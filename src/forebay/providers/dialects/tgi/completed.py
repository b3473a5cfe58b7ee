"""Replies of ``/v1/chat/completions``, of whatever version, as OpenAI's own would be.

What is set right: no id, or ``null``; the tool call's id ``0``, always; ``stop`` where calls were made; the role in
every delta; arguments as an object; one call where there should be a list; a stop word as ``content_filter`` (LoRAX).
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw

from forebay.core.types import Usage
from forebay.providers.dialects.answer import Answer
from forebay.providers.dialects.completion import ChosenLogprob, Logprobs, TokenLogprob
from forebay.providers.dialects.tgi.failing import NOTHING, error_in
from forebay.providers.dialects.tgi.stops import Ending

REASONS: Mapping[str, str] = {
    "stop": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
}
LORAX_REASONS: Mapping[str, str] = {**REASONS, "content_filter": "stop"}
NO_NAMES = frozenset({"", "null", "tgi"})
DONE = b"[DONE]"


class Function(msgspec.Struct):
    """A function's name, and its arguments as text or as they are."""

    name: str | None = None
    arguments: Raw = NOTHING

    def text(self) -> str:
        """The arguments as text."""
        found = msgspec.json.decode(self.arguments)
        return found if isinstance(found, str) else msgspec.json.encode(found).decode() if found else ""


class Call(msgspec.Struct):
    """A tool call, or a piece of one."""

    function: Function
    index: int = 0
    id: str | None = None


class Message(msgspec.Struct):
    """A message, or a piece of one."""

    content: str | None = None
    tool_calls: list[Call] | Call | None = None

    def calls(self) -> Sequence[Call]:
        """The calls, however many were said to be possible."""
        calls = self.tool_calls
        return [calls] if isinstance(calls, Call) else calls or ()


class Top(msgspec.Struct):
    """A token that might have stood here."""

    token: str
    logprob: float


class Chosen(Top):
    """The token that does."""

    top_logprobs: list[Top] = []


class Content(msgspec.Struct):
    """``logprobs``."""

    content: list[Chosen] | None = None


class Choice(msgspec.Struct):
    """``choices[]`` of either form."""

    message: Message | None = None
    delta: Message | None = None
    finish_reason: str | None = None
    logprobs: Content | None = None


class Counted(msgspec.Struct):
    """``usage``."""

    prompt_tokens: int = 0
    completion_tokens: int | None = None


class Reply(msgspec.Struct):
    """A whole reply."""

    choices: list[Choice]
    model: str = ""
    usage: Counted | None = None


class Chunk(msgspec.Struct):
    """An event, or an error."""

    choices: list[Choice] = []
    model: str = ""
    usage: Counted | None = None
    error: Raw = NOTHING
    error_type: str = ""


_replies = msgspec.json.Decoder(Reply)
_chunks = msgspec.json.Decoder(Chunk)


class CompletedReader:
    """Reads one reply."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._ending = Ending(stops)
        self._calls: dict[int, int] = {}

    def whole(self, body: bytes, answer: Answer) -> None:
        """A reply in one piece."""
        reply = _replies.decode(body)
        self._meta(reply.model, reply.usage, answer)
        for choice in reply.choices[:1]:
            message = choice.message or Message()
            for index, call in enumerate(message.calls()):
                call.index = index
            self._choice(choice, message, answer)

    def event(self, payload: bytes, answer: Answer) -> None:
        """One event."""
        if payload == DONE:
            answer.end()
            return
        chunk = _chunks.decode(payload)
        if chunk.error != NOTHING:
            raise error_in(payload, chunk.error, chunk.error_type)
        self._meta(chunk.model, chunk.usage, answer)
        for choice in chunk.choices[:1]:
            self._choice(choice, choice.delta or Message(), answer)

    def _meta(self, model: str, counted: Counted | None, answer: Answer) -> None:
        if model not in NO_NAMES:
            answer.model = model
        if counted is not None:
            answer.count(Usage(counted.prompt_tokens, counted.completion_tokens or 0))

    def _choice(self, choice: Choice, message: Message, answer: Answer) -> None:
        if choice.logprobs is not None and choice.logprobs.content:
            answer.logprobs(_logprobs(choice.logprobs.content))
        answer.text(self._ending.said(message.content or ""))
        for call in message.calls():
            self._call(call, answer)
        if choice.finish_reason:
            answer.text(self._ending.rest())
            for number in self._calls.values():
                answer.call_ends(number)
            answer.finish(choice.finish_reason)

    def _call(self, call: Call, answer: Answer) -> None:
        """The first piece has the name; later ones may have it again."""
        if call.index not in self._calls:
            known = call.id or ""
            unique = not known.isdigit() and known not in NO_NAMES
            self._calls[call.index] = answer.call(call.function.name or "", known if unique else "")
        answer.arguments(self._calls[call.index], call.function.text())


def _logprobs(chosen: Sequence[Chosen]) -> Logprobs:
    return Logprobs([ChosenLogprob(each.token, each.logprob, _bytes(each), _tops(each)) for each in chosen])


def _tops(chosen: Chosen) -> list[TokenLogprob]:
    return [TokenLogprob(each.token, each.logprob, _bytes(each)) for each in chosen.top_logprobs]


def _bytes(token: Top) -> list[int]:
    return list(token.token.encode())
