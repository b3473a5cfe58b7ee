"""Cuts off the words at which an answer was told to end: these servers leave them in, OpenAI's API does not."""

from collections.abc import Sequence


class Ending:
    """One answer; what may be the beginning of a stop word is held back until that is known."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""

    def said(self, text: str) -> str:
        """What of the answer is certain to be part of it, with ``text`` added."""
        if not self._stops:
            return text
        text = self._held + text
        held = max(self._overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def rest(self) -> str:
        """What was held back, now that nothing follows."""
        return "" if self._held in self._stops else self._held

    def _overlap(self, text: str, stop: str) -> int:
        """How many characters at the end of ``text`` begin ``stop``."""
        longest = min(len(text), len(stop))
        return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
