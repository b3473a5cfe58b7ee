"""Prompts of an exact length that all differ, or that all begin alike, out of words of one token each."""

import random
from typing import Final

import msgspec

HEAD: Final = "Write a long story with these words:"
WORDS: Final = (
    *("river", "market", "engine", "quiet", "letter", "garden", "winter", "signal", "bridge", "window", "forest"),
    *("teacher", "number", "morning", "island", "paper", "stone", "music", "summer", "doctor", "village", "captain"),
    *("mirror", "orange", "yellow", "silver", "planet", "desert", "kitchen", "library", "ocean", "mountain", "water"),
    *("house", "light", "night", "story", "world", "hand", "place", "school", "family", "money", "group", "city"),
    *("name", "book", "line", "door", "table", "road", "field", "force", "order", "voice", "court", "party", "friend"),
    *("power", "street", "paint", "glass", "train", "horse", "heart"),
)
BASE: Final = 4096
_SEED_SALT: Final = "forebay bench"


class Words(msgspec.Struct, frozen=True):
    """Which words count one token each, and how many tokens a prompt has besides them.

    ``exact``: the server's own count has confirmed it; otherwise words are counted.
    """

    words: tuple[str, ...] = WORDS
    overhead: int = 0
    exact: bool = False


class Synthetic:
    """Prompts of ``tokens`` tokens, the first ``prefix`` of them the same for the same ``seed``.

    What follows depends on ``turn`` as well. Equal seeds and turns, equal prompts.

    Raises:
        ValueError: so few tokens cannot be, or a prefix that is longer than the prompt.
    """

    def __init__(self, words: Words, tokens: int, prefix: int = 0, seed: str = "0", turn: str = "") -> None:
        least = words.overhead + 1
        if tokens < least:
            raise ValueError(f"a prompt has at least {least} tokens here, its template's included")
        if prefix > tokens:
            raise ValueError("the shared beginning cannot be longer than the prompt")
        common = max(0, prefix - words.overhead)
        self._shared = _picks(seed).choices(words.words, k=common)
        self._own = tokens - words.overhead - common
        picks = _picks(f"{seed} {turn}")
        self._letters = picks.sample(words.words, len(words.words))
        self._base = picks.choices(words.words, k=BASE)

    def text(self, number: int) -> str:
        """The prompt of that number; as many differ as the words allow, and at four words that is millions."""
        digits = self._digits(number)[: self._own]
        rest = self._cycled(number * 7, self._own - len(digits))
        return " ".join([HEAD, *self._shared, *digits, *rest])

    def _digits(self, number: int) -> list[str]:
        """``number`` in four letters of an alphabet of words, those that change most first."""
        found = []
        for _ in range(4):
            number, digit = divmod(number, len(self._letters))
            found.append(self._letters[digit])
        return found

    def _cycled(self, start: int, count: int) -> list[str]:
        begin = start % BASE
        times = (begin + count) // BASE + 1
        return (self._base * times)[begin : begin + count]


def _picks(seed: str) -> random.Random:
    return random.Random(f"{_SEED_SALT} {seed}")  # noqa: S311  # it shall be the same again
