"""The default scheme: a keyed hash says of each token whether it is green. It knows no list and no vocabulary size."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from forebay.watermark.hashing import KeyedNumbers, Mixer
from forebay.watermark.scheme import Bools, Ints, Words

_PURPOSE: Final = b"forebay keyed"


class KeyedHash:
    """Green is a token whose keyed number lies below ``bound``, in the lowest ``gamma`` of all numbers.

    That is a multiple of 2^16, so that only the upper half of a number counts, and ``gamma`` is rounded accordingly.
    Over a ``width`` of several tokens the least of their hashes counts, which survives more edits than all together.
    """

    costly = False

    def __init__(self, secret: str, *, gamma: float, width: int = 1) -> None:
        self.width = width
        self._numbers = KeyedNumbers(secret, _PURPOSE)
        self.bound = min(max(round(gamma * 2**16), 1), 2**16 - 1) << 16
        self.gamma = self.bound / 2**32

    def seed(self, context: Sequence[int]) -> int:
        """What the numbers after ``context`` are made of."""
        return self._numbers.least(context)

    def salted(self, tokens: Ints) -> Words:
        """What is mixed with the seed, for each of ``tokens``: for those who mix elsewhere."""
        return self._numbers.salted(tokens)

    def mixer(self, vocabulary: int) -> Mixer:
        """What tells the numbers of a whole vocabulary after a `seed`, quickly."""
        return Mixer(self._numbers, vocabulary)

    def green(self, context: tuple[int, ...], tokens: Ints) -> Bools:
        """Which of ``tokens`` are green after ``context``."""
        return self._numbers.numbers(self._numbers.least(context), tokens) < np.uint32(self.bound)

    def is_green(self, context: tuple[int, ...], token: int) -> bool:
        """Whether one token is."""
        return self._numbers.number(self._numbers.least(context), token) < self.bound

    def score(self, contexts: Ints, tokens: Ints) -> Bools:
        """Whether each token is green after its own context."""
        return self._numbers.paired(self._least(contexts), tokens) < np.uint32(self.bound)

    def seeds(self, contexts: Ints, tokens: Ints) -> Ints:  # noqa: ARG002  # Scheme's
        """The least hash of each context."""
        return self._least(contexts).astype(np.int64)

    def _least(self, contexts: Ints) -> Words:
        each, places = np.unique(contexts, return_inverse=True)
        seeds = np.array([self._numbers.least((token,)) for token in each.tolist()], np.uint32)
        least: Words = seeds[places].reshape(contexts.shape).min(axis=1)
        return least
