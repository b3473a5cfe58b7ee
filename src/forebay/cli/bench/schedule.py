"""When requests are sent: as soon as another has ended (closed loop), or at times of their own (open loop)."""

import random
from collections.abc import Iterator
from typing import Literal

import msgspec

Arrivals = Literal["poisson", "constant"]


class Load(msgspec.Struct, frozen=True):
    """How much, and for how long.

    ``rate`` in requests a second makes it an open loop; ``concurrency`` is how many are open at once, in an open loop
    at most. It ends after ``requests``, or when ``seconds`` have passed, whatever comes first; requests that are under
    way then are waited for.
    """

    concurrency: int
    rate: float | None = None
    arrivals: Arrivals = "poisson"
    requests: int | None = None
    seconds: float | None = None
    seed: str = "0"


def offsets(load: Load) -> Iterator[float]:
    """When each request of an open loop shall be sent, in seconds from the start, without end.

    ``poisson``: the gaps are exponential with a mean of 1/rate, as those of many independent users.
    """
    assert load.rate is not None  # noqa: S101  # whoever asks for times has a rate
    picks = random.Random(f"arrivals {load.seed}")  # noqa: S311  # it shall be the same again
    at = 0.0
    while True:
        yield at
        at += picks.expovariate(load.rate) if load.arrivals == "poisson" else 1 / load.rate
