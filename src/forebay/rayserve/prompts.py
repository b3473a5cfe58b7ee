"""Ranks replicas for a prompt: the score of the strategy ``prefix-aware``, over whatever names a replica."""

from collections.abc import Collection, Mapping, Sequence
from typing import Generic, TypeVar

from forebay.gateway.strategies.prefix_aware import Memory, PrefixAwareSettings

R = TypeVar("R")


class SentPrompts(Generic[R]):
    """Which prompts were sent to which replica; ``settings`` weigh load against a beginning that is there already."""

    def __init__(self, settings: PrefixAwareSettings) -> None:
        self._settings = settings
        self._memories: dict[R, Memory] = {}

    def ranked(self, pieces: Sequence[int], loads: Mapping[R, int]) -> list[R]:
        """The replicas of ``loads`` (requests under way), best first, for a prompt of these ``pieces``."""
        mean = sum(loads.values()) / (len(loads) or 1)

        def score(replica: R) -> float:
            matched = self._memory(replica).matched(pieces) / (len(pieces) or 1)
            return self._settings.beta * loads[replica] / (mean + 1) - matched

        return sorted(loads, key=score)

    def sent(self, replica: R, pieces: Sequence[int]) -> None:
        """Remember that ``replica`` got them."""
        self._memory(replica).add(pieces)

    def keep(self, replicas: Collection[R]) -> None:
        """Forget what was sent to any other."""
        self._memories = {replica: each for replica, each in self._memories.items() if replica in replicas}

    def __len__(self) -> int:
        return len(self._memories)

    def _memory(self, replica: R) -> Memory:
        return self._memories.setdefault(replica, Memory(self._settings.remembered))
