"""How a completion's reply looks: OpenAI's ``text_completion``, streamed and whole."""

from typing import NamedTuple

import msgspec

from forebay.engine.replies import Format
from forebay.engine.sequence import Finish
from forebay.engine.text import Entry


class _CompletionLogprobs(msgspec.Struct, frozen=True):
    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class _CompletionChoice(msgspec.Struct, frozen=True):
    text: str
    index: int
    logprobs: _CompletionLogprobs | None
    finish_reason: Finish | None


class _CompletionEntry(NamedTuple):
    token: str
    logprob: float
    alternatives: dict[str, float]
    start: int


class CompletionFormat(Format[_CompletionEntry, _CompletionLogprobs]):
    """``/v1/completions``."""

    _prefix = "cmpl"
    _whole = "text_completion"
    _chunk = "text_completion"

    def _entry(self, entry: Entry) -> _CompletionEntry:
        name, logprobs = self._name(entry.token), entry.logprobs
        alternatives = {self._name(token): logprob for token, logprob in logprobs.top}
        # OpenAI names the chosen token too, if it is none of the likeliest.
        return _CompletionEntry(name, logprobs.logprob, alternatives | {name: logprobs.logprob}, entry.start)

    def _logprobs(self, entries: list[_CompletionEntry]) -> _CompletionLogprobs | None:
        if not self._with_logprobs:
            return None
        return _CompletionLogprobs(
            tokens=[entry.token for entry in entries],
            token_logprobs=[entry.logprob for entry in entries],
            top_logprobs=[entry.alternatives for entry in entries],
            text_offset=[entry.start for entry in entries],
        )

    def _part(self, index: int, text: str, logprobs: _CompletionLogprobs | None) -> _CompletionChoice:
        return _CompletionChoice(text, index, logprobs, None)

    def _end(self, index: int, finish: Finish) -> _CompletionChoice:
        return _CompletionChoice("", index, None, finish)

    def _choice(
        self, index: int, text: str, logprobs: _CompletionLogprobs | None, finish: Finish | None
    ) -> _CompletionChoice:
        return _CompletionChoice(text, index, logprobs, finish)
