"""The scheme that changes no probability: the key takes the place of chance, and each token is drawn as likely as ever.

The token with the highest log(weight) + Gumbel noise is a draw by weight (the Gumbel-max trick), here with noise that
the key makes of the context. Whoever holds the key sees afterwards that the chosen tokens had high numbers.

Source: Aaronson, "My AI Safety Lecture for UT Effective Altruism" (2022).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from forebay.watermark.hashing import KeyedNumbers
from forebay.watermark.scheme import Bools, Floats, Ints

_PURPOSE: Final = b"forebay gumbel"
_HIGH: Final = 0.75

Doubles = npt.NDArray[np.float64]


class Gumbel:
    """Uniform numbers of (context, token); for counting, a token is green whose number is in the highest quarter."""

    gamma = 1 - _HIGH
    costly = False

    def __init__(self, secret: str, *, width: int = 4) -> None:
        self.width = width
        self._numbers = KeyedNumbers(secret, _PURPOSE)

    def winner(self, context: tuple[int, ...], tokens: Ints, weights: Floats) -> int:
        """The place in ``tokens`` of the one that the key draws by ``weights``."""
        chances = _uniform(self._numbers.numbers(self._numbers.joint(context), tokens))
        with np.errstate(divide="ignore"):
            # The largest u^(1/w), by its logarithm; what weighs nothing never wins.
            return int((np.log(chances) / weights).argmax())

    def chances(self, contexts: Ints, tokens: Ints) -> Doubles:
        """The number in (0, 1) of each token after its own context: uniform, unless the text was drawn with the key."""
        seeds = np.array([self._numbers.joint(context) for context in contexts.tolist()], np.uint32)
        return _uniform(self._numbers.paired(seeds, tokens))

    def green(self, context: tuple[int, ...], tokens: Ints) -> Bools:
        """Which of ``tokens`` have a high number after ``context``."""
        found: Bools = _uniform(self._numbers.numbers(self._numbers.joint(context), tokens)) >= _HIGH
        return found

    def is_green(self, context: tuple[int, ...], token: int) -> bool:
        """Whether one token has."""
        return bool(self.green(context, np.array([token]))[0])

    def seeds(self, contexts: Ints, tokens: Ints) -> Ints:  # noqa: ARG002  # Scheme's
        """A number for each context: no two have the same seed."""
        return np.unique(contexts, axis=0, return_inverse=True)[1].ravel()

    def score(self, contexts: Ints, tokens: Ints) -> Bools:
        """Whether each token has a high number after its own context."""
        found: Bools = self.chances(contexts, tokens) >= _HIGH
        return found


def _uniform(numbers: npt.NDArray[np.uint32]) -> Doubles:
    return (numbers.astype(np.float64) + 0.5) * 2.0**-32
