"""Boosted trees out of a file: a sum of what the leaves say, as a probability. Training needs scikit-learn, this not.

Source: Friedman, "Greedy function approximation: a gradient boosting machine" (2001).
"""

import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

_ARTEFACT: Final = "check.json"


class Tree(msgspec.Struct, frozen=True):
    """One tree: each node's feature (-1 at a leaf), threshold, left and right node, and value (at a leaf)."""

    feature: list[int]
    threshold: list[float]
    left: list[int]
    right: list[int]
    value: list[float]

    def at(self, row: Sequence[float]) -> float:
        """The value of the leaf that ``row`` comes to: left where a feature is at most the threshold."""
        node = 0
        while (feature := self.feature[node]) >= 0:
            node = self.left[node] if row[feature] <= self.threshold[node] else self.right[node]
        return self.value[node]


class Trees(msgspec.Struct, frozen=True):
    """The trees, the names of their features in order, and the sum that they start from."""

    names: list[str]
    baseline: float
    trees: list[Tree]

    def probability(self, row: Sequence[float]) -> float:
        """From 0 to 1: how likely it is that two texts with these features ask for the same."""
        return 1 / (1 + math.exp(-self.baseline - sum(tree.at(row) for tree in self.trees)))


@cache
def load() -> Trees:
    """The trees that come with Forebay."""
    return msgspec.json.decode(files(__package__).joinpath(_ARTEFACT).read_bytes(), type=Trees)
