"""What is known of one request when it has ended."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from forebay.cli.bench.failures import Failure

Counted = Literal["usage", "chunks", "nothing"]


class Sample(msgspec.Struct, frozen=True):
    """One request; times in seconds of one clock.

    ``intended`` is when it should have been sent and ``sent`` when it was; ``first`` and ``last`` are the arrivals of
    the first and the last piece with content, ``first`` is ``None`` where the reply came whole. ``counted``: whose
    count ``output`` is. ``gaps`` are the times between pieces. ``hit``: ``x-cache`` says that it came out of a cache.
    """

    intended: float
    sent: float
    last: float
    first: float | None = None
    output: int | None = None
    input: int | None = None
    counted: Counted = "nothing"
    gaps: Sequence[float] = ()
    hit: bool = False
    failure: Failure | None = None

    @property
    def latency(self) -> float:
        """From the moment it should have been sent to the last piece."""
        return self.last - self.intended

    @property
    def ttft(self) -> float | None:
        """Time to first token, from the moment it should have been sent."""
        return None if self.first is None else self.first - self.intended

    @property
    def tpot(self) -> float | None:
        """Time per output token after the first; none of one token, or of what came in one piece."""
        if self.first is None or not self.gaps:
            return None
        if self.output is None or self.output < 2:  # noqa: PLR2004  # the first and another
            return None
        return (self.last - self.first) / (self.output - 1)
