"""Asks whoever has been answering fastest of late, and now and then another one, which may have become faster.

Latency = TTFT + TPOT x (tokens - 1), from means that forget (`gateway.statistics`).
"""

import math
from collections.abc import Sequence
from random import Random
from typing import Annotated

import msgspec

from forebay.core.ports import Candidate
from forebay.core.types import Call, Live
from forebay.plugins import StrategyPlugin

# Latencies within this factor of each other are the same: chance, not noise, decides between them.
ALIKE = math.log(1.1)


class LowestLatencySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``tokens`` is how long an answer is taken to be, ``explore`` the share of requests that go to another one."""

    tokens: Annotated[int, msgspec.Meta(ge=1)] = 100
    explore: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.05


class LowestLatency:
    """Expected latency; one that was never measured gets one request at a time until it has been."""

    def __init__(self, settings: LowestLatencySettings, random: Random) -> None:
        self._more = settings.tokens - 1
        self._explore = settings.explore
        self._random = random

    def score(self, call: Call, candidates: Sequence[Candidate], /) -> Sequence[float]:  # noqa: ARG002  # the port's
        """Steps of ten percent, so that equals tie."""
        scores = [self._expected(each.live) for each in candidates]
        if self._explore and self._random.random() < self._explore:
            best = min(scores)
            others = [index for index, score in enumerate(scores) if score > best]
            if others:
                scores[self._random.choice(others)] = -math.inf
        return scores

    def _expected(self, live: Live) -> float:
        if live.ttft is None and live.tpot is None:
            return math.inf if live.running else -math.inf
        latency = (live.ttft or 0.0) + (live.tpot or 0.0) * self._more
        return float(round(math.log(max(latency, 1e-6)) / ALIKE))


plugin = StrategyPlugin(
    settings=LowestLatencySettings, build=lambda settings, tools: LowestLatency(settings, tools.random)
)
