"""What every watermark comes down to: after some tokens, some tokens are green."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint32]


class Scheme(Protocol):
    """Which tokens are green after a context, the ``width`` tokens that stand before them.

    ``gamma`` is the share of all tokens that are, so the share that a text without the mark has by chance. A scheme is
    ``costly`` if to ask about many tokens takes long: when marking, only the likeliest are asked about then.
    """

    width: int
    gamma: float
    costly: bool

    def green(self, context: tuple[int, ...], tokens: Ints) -> Bools:
        """Which of ``tokens``, shape (n,), are green after ``context``."""
        ...

    def is_green(self, context: tuple[int, ...], token: int) -> bool:
        """Whether one token is."""
        ...

    def seeds(self, contexts: Ints, tokens: Ints) -> Ints:
        """What the colour of each token is made of beside the token itself, shape (n,).

        Where two contexts come to the same seed, the colours of a token after them are one fact and not two.
        """
        ...

    def score(self, contexts: Ints, tokens: Ints) -> Bools:
        """Whether each of ``tokens``, shape (n,), is green after its row of ``contexts``, shape (n, width)."""
        ...
