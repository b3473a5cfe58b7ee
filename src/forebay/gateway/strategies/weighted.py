"""Shares out requests by weight: a canary gets its few percent, the rest the others.

Source: Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006): sorted by -ln(u)/weight with u
uniform, items come in the order of a weighted draw without replacement, so that the second choice follows the weights
as well.
"""

import math
from collections.abc import Sequence
from random import Random

import msgspec

from forebay.core.ports import Candidate
from forebay.core.types import Call
from forebay.plugins import StrategyPlugin


class WeightedSettings(msgspec.Struct, frozen=True):
    """It has none; the weights are the deployments'."""


class Weighted:
    """A weighted draw for each request."""

    def __init__(self, random: Random) -> None:
        self._random = random.random

    def score(self, call: Call, candidates: Sequence[Candidate], /) -> Sequence[float]:  # noqa: ARG002  # the port's
        """By chance; a weight of 0 is the last resort."""
        return [drawn(1.0 - self._random(), each.deployment.weight) for each in candidates]


def drawn(u: float, weight: float) -> float:
    """The score of one that has ``weight`` and drew ``u``, which is in (0, 1]."""
    return -math.log(u) / weight if weight > 0 else math.inf


plugin = StrategyPlugin(settings=WeightedSettings, build=lambda _settings, tools: Weighted(tools.random))
