"""The marking side: what a scheme does to the choice of each token.

A sampler asks `Marker.bias` once for each token of an answer and has it applied after temperature and filters, so that
what a filter left out stays out. Only contexts within the answer are marked: who tests a text has no prompt.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from forebay.core.marks import Strength
from forebay.watermark.gumbel import Gumbel
from forebay.watermark.scheme import Bools, Floats, Ints, Scheme

_TRIES: Final = 8
_COSTLY_TRIES: Final = 24
_LIKELIEST: Final = (
    40  # As the originals do: of so many tokens it is asked whether they are green where that is costly.
)


class GreenList:
    """Favours the green tokens after one context: e^δ times their weight, or nobody else at all.

    A token drawn by its own weight `stands` with the probability that makes the marked distribution of it (rejection
    sampling), which asks about one or two tokens instead of all. ``tries`` is after how many draws to `weigh` instead.
    """

    greedy = True

    def __init__(self, scheme: Scheme, context: tuple[int, ...], red: float) -> None:
        """``red`` is what is left of the weight of a token that is not green: e^-δ."""
        self.tries: int = _COSTLY_TRIES if scheme.costly else _TRIES
        self._scheme = scheme
        self._context = context
        self._red = red

    def stands(self, token: int, chance: float) -> bool:
        """Whether ``token`` is taken, by another random number than the one that drew it."""
        return chance < self._red or self._scheme.is_green(self._context, token)

    def weigh(self, tokens: Ints, weights: Floats) -> None:
        """Change the ``weights`` of ``tokens`` in place; a hard list changes none where nothing green may come."""
        green = self._green(tokens, weights)
        if self._red or weights[green].any():
            weights *= np.where(green, np.float32(1), np.float32(self._red))

    def _green(self, tokens: Ints, weights: Floats) -> Bools:
        if not self._scheme.costly or len(tokens) <= _LIKELIEST:
            return self._scheme.green(self._context, tokens)
        heaviest = np.argpartition(-weights, _LIKELIEST)[:_LIKELIEST]
        green = np.zeros(len(tokens), bool)
        green[heaviest] = self._scheme.green(self._context, tokens[heaviest])
        return green


class Draw:
    """Has the key draw the token."""

    tries: int = 0
    greedy = False

    def __init__(self, scheme: Gumbel, context: tuple[int, ...]) -> None:
        self._scheme = scheme
        self._context = context

    def stands(self, token: int, chance: float) -> bool:  # noqa: ARG002  # the port's
        """Never: no draw by chance counts."""
        return False

    def weigh(self, tokens: Ints, weights: Floats) -> None:
        """Leave the weight of the one that the key draws."""
        place = self._scheme.winner(self._context, tokens, weights)
        weight = weights[place]
        weights[:] = 0
        weights[place] = weight


class ListMarker:
    """Marks one answer with a green list after every context."""

    def __init__(self, scheme: Scheme, *, delta: float, strength: Strength = "soft") -> None:
        self.width = scheme.width
        self._scheme = scheme
        self._red = 0.0 if strength == "hard" else math.exp(-delta)

    def bias(self, context: Sequence[int]) -> GreenList | None:
        """What to do after ``context``, the last `width` tokens of the answer."""
        return GreenList(self._scheme, tuple(context), self._red)


class DrawMarker:
    """Marks one answer by drawing with the key; a context that comes again is left to chance, or it would be a loop."""

    def __init__(self, scheme: Gumbel) -> None:
        self.width = scheme.width
        self._scheme = scheme
        self._seen: set[tuple[int, ...]] = set()

    def bias(self, context: Sequence[int]) -> Draw | None:
        """What to do after ``context``."""
        own = tuple(context)
        if own in self._seen:
            return None
        self._seen.add(own)
        return Draw(self._scheme, own)


def marker(scheme: Scheme, *, delta: float, strength: Strength) -> ListMarker | DrawMarker:
    """A marker for one answer."""
    if isinstance(scheme, Gumbel):
        return DrawMarker(scheme)
    return ListMarker(scheme, delta=delta, strength=strength)
