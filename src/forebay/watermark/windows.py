"""Marked text inside clean text: the part of a text that has the most green tokens, and how likely chance gives such.

The share of green tokens in the whole of a text hides a marked paragraph; a window over it shows it (WinMax of
arXiv:2306.04634). Looking at every window finds an unlikely one in any text, so the least of their probabilities counts
as one of many: `TRIES` says of how many, measured on clean texts (`bench/watermark.py`).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from forebay.watermark.statistics import kept_tails

LENGTHS: Final = (25, 35, 50, 70, 100, 140, 200, 280, 400, 560, 800)
"""How many scored tokens a window has; a longer part is seen in the whole, or in several windows."""

TRIES: Final = 0.7
"""As many independent windows as all windows of a text are worth, for each scored token: 0.3 to 0.6 were measured."""

Bools = npt.NDArray[np.bool_]


class Window(NamedTuple):
    """A part of what was scored, from ``begin`` to before ``end``, and ``p``: how likely any text has such a one."""

    begin: int
    end: int
    green: int
    p: float


def best(green: Bools, gamma: float) -> Window | None:
    """The window of ``green``, what was scored in its order, that is the least likely; ``None`` if it is too short."""
    sums = np.concatenate(([0], np.cumsum(green)))
    found = [_best_of(sums, length, gamma) for length in LENGTHS if length < len(sums)]
    return min(found, key=lambda window: window.p) if found else None


def all_of(green: Bools, gamma: float, p: float) -> list[Window]:
    """Windows that do not overlap, each with a probability below ``p``, by where they begin."""
    found: list[Window] = []
    waiting = [(0, len(green))]
    while waiting:
        begin, end = waiting.pop()
        window = best(green[begin:end], gamma)
        if window is None:
            continue
        likely = min(1.0, window.p / (end - begin) * len(green))
        if likely < p:
            found.append(Window(begin + window.begin, begin + window.end, window.green, likely))
            waiting += [(begin, begin + window.begin), (begin + window.end, end)]
    return sorted(found)


def _best_of(sums: npt.NDArray[np.int64], length: int, gamma: float) -> Window:
    counts = sums[length:] - sums[:-length]
    begin = int(counts.argmax())
    green = int(counts[begin])
    p = float(kept_tails(length, gamma)[green]) * TRIES * (len(sums) - 1)
    return Window(begin, begin + length, green, min(1.0, p))
