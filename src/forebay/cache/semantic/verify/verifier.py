"""The judgement on two normalised texts: equal, or told apart by no rule and alike enough for the second check."""

from typing import Final

from forebay.cache.semantic.verify import trees
from forebay.cache.semantic.verify.features import NAMES, features
from forebay.cache.semantic.verify.reading import read
from forebay.cache.semantic.verify.rules import broken

DOUBT: Final = "second_check"
_LONGEST: Final = 400
"""So many words at most are compared: the rules look at every part of a text beside every other."""


class Verifier:
    """Both checks.

    ``certainty`` is how likely, from 0 to 1, the second one must find it that two texts ask for the same.
    """

    def __init__(self, certainty: float) -> None:
        self._certainty = certainty
        self._trees = trees.load()
        if tuple(self._trees.names) != NAMES:
            raise ValueError("the trees were trained on other features than are computed")

    def refusal(self, asked: str, stored: str, cosine: float) -> str | None:
        """Why ``stored`` is no answer to ``asked``, both normalised, as the name of a rule; ``None`` if it is one."""
        if asked == stored:
            return None
        one, other = read(asked), read(stored)
        if max(len(one.words), len(other.words)) > _LONGEST:
            return "length"
        if reason := broken(one, other):
            return reason
        return None if self._trees.probability(features(one, other, cosine)) >= self._certainty else DOUBT
