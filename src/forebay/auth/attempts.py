"""Counts wrong attempts at a secret in this process."""

import time
from typing import Final

from forebay.core.attempts import OF_ALL, OF_ONE, Allowance, network, too_many

MOST_ADDRESSES: Final = 2000


class _Bucket:
    """What is left of an allowance."""

    def __init__(self, allowance: Allowance) -> None:
        self._size, self._seconds = allowance
        self._left = float(self._size)
        self._filled = time.monotonic()

    def wait(self) -> float:
        """In how many seconds there is one; 0: now."""
        now = time.monotonic()
        self._left = min(self._size, self._left + (now - self._filled) / self._seconds)
        self._filled = now
        return max(0.0, (1 - self._left) * self._seconds)

    def take(self, count: float) -> None:
        """That many less; negative: they come back."""
        self._left = min(self._size, self._left - count)


class MemoryAttempts:
    """`Attempts` of this process; of too many addresses that which was longest not heard of is forgotten."""

    def __init__(self) -> None:
        self._all = _Bucket(OF_ALL)
        self._of: dict[str, _Bucket] = {}

    async def begin(self, address: str) -> None:
        """Count an attempt, as wrong until it has `succeeded`.

        Raises:
            RateLimitError: there were too many; ``retry-after`` says when there may be another.
        """
        bucket = self._bucket(address)
        seconds = max(bucket.wait(), self._all.wait())
        if seconds > 0:
            raise too_many(seconds)
        for each in (bucket, self._all):
            each.take(1)

    async def succeeded(self, address: str) -> None:
        """The last attempt was right, and does not count."""
        for each in (self._bucket(address), self._all):
            each.take(-1)

    def _bucket(self, address: str) -> _Bucket:
        name = network(address)
        bucket = self._of.pop(name, None) or _Bucket(OF_ONE)
        self._of[name] = bucket
        if len(self._of) > MOST_ADDRESSES:
            self._of.pop(next(iter(self._of)))
        return bucket
