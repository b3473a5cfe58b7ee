"""Asks whoever has the fewest requests under way, measured by its weight."""

import math
from collections.abc import Sequence

import msgspec

from forebay.core.ports import Candidate
from forebay.core.types import Call
from forebay.plugins import StrategyPlugin


class LeastBusySettings(msgspec.Struct, frozen=True):
    """It has none."""


class LeastBusy:
    """Requests under way, of this process, per weight; one more is counted, so that among idle ones weight decides."""

    def score(self, call: Call, candidates: Sequence[Candidate], /) -> Sequence[float]:  # noqa: ARG002  # the port's
        """The load that the call would make."""
        return [_load(each.live.running, each.deployment.weight) for each in candidates]


def _load(running: int, weight: float) -> float:
    return (running + 1) / weight if weight > 0 else math.inf


plugin = StrategyPlugin(settings=LeastBusySettings, build=lambda _settings, _tools: LeastBusy())
