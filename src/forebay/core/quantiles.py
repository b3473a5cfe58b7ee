"""One definition of a percentile, so that the same times come to the same figure wherever they are told."""

import math
from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of ``ordered`` lie, interpolated linearly between neighbours.

    ``ordered`` is ascending and holds at least one value. Of counts in buckets see `core.series.percentile`.

    Source: Hyndman and Fan, "Sample quantiles in statistical packages" (1996), definition 7, as numpy's default.
    """
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    low, high = ordered[below], ordered[above]
    return low if low == high else low + (high - low) * (place - below)
