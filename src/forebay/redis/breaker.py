"""Keeps a server that is down from costing every request a time-out: after one failure it is left alone for a while.

Source: M. Nygard, "Release It!", the pattern "Circuit Breaker".
"""

import time
from collections.abc import Callable


class Breaker:
    """Open for ``pause`` seconds after a failure; then one at a time may try. ``clock`` only ever goes on."""

    def __init__(self, pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause = pause
        self._clock = clock
        self._until: float | None = None
        self._trying = False

    @property
    def is_closed(self) -> bool:
        """Whether all is well, as far as is known."""
        return self._until is None

    def admit(self) -> bool:
        """Whether to try now; who is admitted tells how it went."""
        if self._until is None:
            return True
        if self._trying or self._clock() < self._until:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        """It answered."""
        self._until = None
        self._trying = False

    def failed(self) -> None:
        """It did not."""
        self._until = self._clock() + self._pause
        self._trying = False

    def undecided(self) -> None:
        """Whoever tried has left."""
        self._trying = False
