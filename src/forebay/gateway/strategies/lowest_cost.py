"""Asks the cheapest; one without a known price comes last, because unknown is not free."""

import math
from collections.abc import Sequence

import msgspec

from forebay.core.ports import Candidate
from forebay.core.types import Call
from forebay.plugins import CostOf, StrategyPlugin


class LowestCostSettings(msgspec.Struct, frozen=True):
    """It has none."""


class LowestCost:
    """The price of a token."""

    def __init__(self, cost_of: CostOf) -> None:
        self._cost_of = cost_of

    def score(self, call: Call, candidates: Sequence[Candidate], /) -> Sequence[float]:  # noqa: ARG002  # the port's
        """The price."""
        costs = [self._cost_of(each.deployment) for each in candidates]
        return [math.inf if cost is None else cost for cost in costs]


plugin = StrategyPlugin(settings=LowestCostSettings, build=lambda _settings, tools: LowestCost(tools.cost_of))
