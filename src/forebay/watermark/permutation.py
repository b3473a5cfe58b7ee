"""What ``torch.randperm`` gives on a CPU, without torch: MT19937, and a shuffle of Fisher and Yates from the front.

Step i draws a 32-bit number r and swaps the entries i and i + r mod (n - i). So the first k entries, which are the
green list of Kirchenbauer et al., take k steps. They are wanted as a set, and that needs no loop: see `first`.

Source: Matsumoto and Nishimura, "Mersenne Twister" (1998); seeds are taken modulo 2^32, as torch's CPU generator does.
"""

from typing import Final

import numpy as np

from forebay.watermark.scheme import Bools, Ints, Words

_SEEDS: Final = 2**32


def first(seed: int, size: int, count: int) -> Bools:
    """Which of ``size`` numbers are among the first ``count`` of the permutation that ``seed`` gives."""
    if count >= size:
        return np.ones(size, bool)
    steps = np.arange(count, dtype=np.uint32)
    swapped = steps + _draws(seed, count) % (np.uint32(size) - steps)
    # The last step that swapped something into each place; a step that stays where it is swaps nothing. What it put
    # there is what stood at its own place by then: what the step before put there, and so on, back to an untouched one.
    last = np.full(size, -1, np.int32)
    moved = np.flatnonzero(swapped != steps)
    last[swapped[moved]] = moved
    origin = np.where(last[:count] >= 0, last[:count], steps.astype(np.int32))
    further = origin[origin]
    while not np.array_equal(further, origin):
        origin, further = further, further[further]
    chosen = np.zeros(size, bool)
    chosen[:count] = True
    behind = np.flatnonzero(last[count:] >= 0) + count
    chosen[behind] = True
    chosen[origin[last[behind]]] = False
    return chosen


def whole(seed: int, size: int) -> Ints:
    """The permutation of ``size`` numbers that ``seed`` gives."""
    swaps = (_draws(seed, size - 1) % np.arange(size, 1, -1, dtype=np.uint32)).tolist()
    entries = list(range(size))
    for step, swap in enumerate(swaps):
        other = step + swap
        entries[step], entries[other] = entries[other], entries[step]
    return np.array(entries, np.int64)


def _draws(seed: int, count: int) -> Words:
    return np.random.RandomState(seed % _SEEDS).randint(0, _SEEDS, count, np.uint32)
