"""From tokens to text, one at a time: no half characters, and nothing of a stop string."""

import codecs
from collections import deque
from collections.abc import Sequence as Items
from typing import NamedTuple

from forebay.engine.sequence import Finish, Logprobs, Output


class Entry(NamedTuple):
    """A token that reports its logprobs, and at which character of the text it begins."""

    token: int
    start: int
    logprobs: Logprobs


class Piece(NamedTuple):
    """What can be told of a choice (by its number) now; ``finish`` is set with its last piece."""

    choice: int
    text: str
    entries: list[Entry]
    finish: Finish | None


class StopStrings:
    """Finds the first of ``stops`` in a text that comes in pieces; holds back what may become one."""

    def __init__(self, stops: Items[str]) -> None:
        self._stops = stops
        self._held = ""

    def feed(self, text: str) -> tuple[str, bool]:
        """What can be said after ``text`` has come, and whether a stop string ends it."""
        text = self._held + text
        found = [at for at in (text.find(stop) for stop in self._stops) if at >= 0]
        if found:
            return text[: min(found)], True
        keep = len(text) - max((_begun(text, stop) for stop in self._stops), default=0)
        self._held = text[keep:]
        return text[:keep], False

    def rest(self) -> str:
        """What was held back in vain."""
        rest, self._held = self._held, ""
        return rest


def _begun(text: str, stop: str) -> int:
    """How many characters of ``stop`` stand at the end of ``text``."""
    longest = min(len(stop) - 1, len(text))
    return next((length for length in range(longest, 0, -1) if text.endswith(stop[:length])), 0)


class Text:
    """The text of one choice as it grows. ``pieces`` gives each token's bytes (none for special tokens).

    ``lead`` is told before everything else, and is no part of the text in which stop strings are looked for.
    A token's logprobs are told with its first character, so those of a stop string never are.
    """

    def __init__(self, pieces: Items[bytes], stops: Items[str] = (), min_tokens: int = 0, *, lead: str = "") -> None:
        self.tokens = 0
        self._lead = lead
        self._pieces = pieces
        self._min_tokens = min_tokens
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._stops = StopStrings(stops) if stops else None
        self._length = 0
        self._said = 0
        self._entries: deque[Entry] = deque()

    def feed(self, output: Output) -> Piece:
        """What ``output`` adds. Its ``finish`` may come before the engine's own, when a stop string is whole."""
        self.tokens += 1
        # A text that its grammar ends has no end token.
        ended = output.finish == "stop" and output.token in output.sequence.stop_ids
        if output.logprobs is not None and not ended:
            self._entries.append(Entry(output.token, self._length, output.logprobs))
        text = "" if ended else self._decode(self._pieces[output.token])
        self._length += len(text)
        text, stopped = self._until_stop(text)
        finish: Finish | None = "stop" if stopped else output.finish
        if self._stops and finish and not stopped:
            text += self._stops.rest()
        self._said += len(text)
        lead, self._lead = self._lead, ""
        return Piece(output.sequence.index, lead + text, self._told(everything=bool(finish) and not stopped), finish)

    def _until_stop(self, text: str) -> tuple[str, bool]:
        if self._stops is None:
            return text, False
        if self.tokens < self._min_tokens:
            return self._stops.rest() + text, False
        return self._stops.feed(text)

    def _told(self, *, everything: bool) -> list[Entry]:
        told = []
        while self._entries and (everything or self._entries[0].start < self._said):
            told.append(self._entries.popleft())
        return told
