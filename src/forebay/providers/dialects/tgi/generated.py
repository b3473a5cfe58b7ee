"""``GenerateResponse`` and the events of ``/generate_stream`` as OpenAI's answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from forebay.core.types import Usage
from forebay.providers.dialects.answer import Answer
from forebay.providers.dialects.dialect import Headers
from forebay.providers.dialects.tgi.failing import NOTHING, error_in
from forebay.providers.dialects.tgi.stops import Ending

REASONS: Mapping[str, str] = {"length": "length", "eos_token": "stop", "stop_sequence": "stop"}
PROMPT_TOKENS = b"x-prompt-tokens"


class Token(msgspec.Struct):
    """A token; the text of a special one is no part of the answer."""

    text: str
    special: bool = False


class Details(msgspec.Struct):
    """Why it ended, and how long it was; the prompt's length has a name of its own in each server and version."""

    finish_reason: str
    generated_tokens: int = 0
    prompt_tokens: int | None = None
    input_length: int | None = None
    prefill: list[Any] = []


class Reply(msgspec.Struct):
    """``GenerateResponse``."""

    generated_text: str
    details: Details


class Event(msgspec.Struct):
    """``StreamResponse``, or an error."""

    token: Token | None = None
    details: Details | None = None
    error: Raw = NOTHING
    error_type: str = ""


_replies = msgspec.json.Decoder(Reply)
_events = msgspec.json.Decoder(Event)


class GeneratedReader:
    """Reads one reply."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._ending = Ending(stops)
        self._prompt_tokens = 0

    def head(self, headers: Headers) -> None:
        """Of a whole reply the head alone tells how long the prompt was."""
        for name, value in headers:
            if name.lower() == PROMPT_TOKENS and value.isdigit():
                self._prompt_tokens = int(value)

    def whole(self, body: bytes, answer: Answer) -> None:
        """A reply in one piece."""
        reply = _replies.decode(body)
        answer.text(self._ending.said(reply.generated_text))
        self._end(reply.details, answer)

    def event(self, payload: bytes, answer: Answer) -> None:
        """A token; the last one comes with the details."""
        event = _events.decode(payload)
        if event.error != NOTHING:
            raise error_in(payload, event.error, event.error_type)
        if event.token is not None and not event.token.special:
            answer.text(self._ending.said(event.token.text))
        if event.details is not None:
            self._end(event.details, answer)
            answer.end()

    def _end(self, details: Details, answer: Answer) -> None:
        prompt = details.prompt_tokens or details.input_length or len(details.prefill) or self._prompt_tokens
        answer.count(Usage(prompt, details.generated_tokens))
        answer.text(self._ending.rest())
        answer.finish(details.finish_reason)
