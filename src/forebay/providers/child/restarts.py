"""When to start a child again that has ended, and when to give it up."""

import random
from collections import deque
from collections.abc import Callable
from typing import Annotated

import msgspec

from forebay.settings import Duration
from forebay.settings.bounds import ordered


class RestartSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most ``max`` restarts ``within`` a time; the pause before them doubles from ``pause`` to ``longest_pause``.

    It begins anew with the first one after a run of ``stable``.
    """

    max: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 5
    within: Duration = 600.0
    pause: Duration = 1.0
    longest_pause: Duration = 60.0
    stable: Duration = 120.0

    def __post_init__(self) -> None:
        ordered(self, "pause", "longest_pause")


class Restarts:
    """The restarts of one child; ``chance`` gives numbers from 0 to 1."""

    def __init__(self, settings: RestartSettings, chance: Callable[[], float] = random.random) -> None:
        self._settings = settings
        self._chance = chance
        self._at: deque[float] = deque(maxlen=settings.max)
        self._in_a_row = 0
        self.total = 0

    def pause(self, now: float, ran: float) -> float | None:
        """Seconds to wait before the restart of a child that ``ran`` so many; ``None`` if there were too many.

        Half of it is left to chance, so that not everything that fell with a machine comes back at the same moment.
        """
        settings = self._settings
        while self._at and self._at[0] <= now - settings.within:
            self._at.popleft()
        if len(self._at) >= settings.max:
            return None
        self._in_a_row = 0 if ran >= settings.stable else self._in_a_row
        longest = min(settings.longest_pause, settings.pause * 2.0 ** min(self._in_a_row, 64))
        self._at.append(now)
        self._in_a_row += 1
        self.total += 1
        return longest * (0.5 + 0.5 * self._chance())
