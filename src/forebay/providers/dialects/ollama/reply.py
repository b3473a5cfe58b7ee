"""Ollama's ``ChatResponse``, whole or a line at a time, as OpenAI's answer; the two have the same form."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from forebay.core.types import Usage
from forebay.providers.dialects.answer import Answer
from forebay.providers.dialects.completion import ChosenLogprob, Logprobs, TokenLogprob
from forebay.providers.dialects.dialect import VendorError

REASONS: Mapping[str, str] = {"": "stop", "stop": "stop", "length": "length", "load": "stop", "unload": "stop"}


class Function(msgspec.Struct):
    """A function's name, and its arguments as an object."""

    name: str
    arguments: dict[str, Any] = {}


class Call(msgspec.Struct):
    """A whole tool call; older versions give it no id."""

    function: Function
    id: str = ""


class Message(msgspec.Struct):
    """What is said, or a piece of it."""

    content: str = ""
    thinking: str | None = None
    tool_calls: list[Call] | None = None


class Top(msgspec.Struct):
    """A token that might have stood here."""

    token: str
    logprob: float
    bytes: list[int] | None = None


class Chosen(Top):
    """The token that does."""

    top_logprobs: list[Top] | None = None


class Reply(msgspec.Struct):
    """``ChatResponse``; ``prompt_eval_count`` is absent if the whole prompt was cached."""

    message: Message
    done: bool
    model: str = ""
    done_reason: str = ""
    prompt_eval_count: int = 0
    eval_count: int = 0
    logprobs: list[Chosen] | None = None


class Failing(msgspec.Struct):
    """A line that tells of a failure."""

    error: str = ""


_replies = msgspec.json.Decoder(Reply)
_failing = msgspec.json.Decoder(Failing)


class OllamaReader:
    """Reads one reply."""

    def whole(self, body: bytes, answer: Answer) -> None:
        """A reply in one piece."""
        self.event(body, answer)

    def event(self, payload: bytes, answer: Answer) -> None:
        """A line."""
        if _failing.decode(payload).error:
            raise VendorError(500, payload)
        reply = _replies.decode(payload)
        answer.model = reply.model or answer.model
        if reply.logprobs:
            answer.logprobs(_logprobs(reply.logprobs))
        message = reply.message
        answer.reasoning(message.thinking or "")
        answer.text(message.content)
        for call in message.tool_calls or ():
            number = answer.call(call.function.name, call.id)
            answer.arguments(number, msgspec.json.encode(call.function.arguments).decode())
        if reply.done:
            answer.count(Usage(reply.prompt_eval_count, reply.eval_count))
            answer.finish(reply.done_reason)
            answer.end()


def _logprobs(chosen: Sequence[Chosen]) -> Logprobs:
    return Logprobs([ChosenLogprob(each.token, each.logprob, each.bytes, _tops(each)) for each in chosen])


def _tops(chosen: Chosen) -> list[TokenLogprob]:
    return [TokenLogprob(each.token, each.logprob, each.bytes) for each in chosen.top_logprobs or ()]
