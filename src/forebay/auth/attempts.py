"""Bounds how often somebody may guess a secret: from one address, and everybody together."""

import ipaddress
import math
import time
from typing import Final

from forebay.core.errors import RateLimitError

MOST_ADDRESSES: Final = 2000
IPV6_PREFIX: Final = 64


class _Bucket:
    """So many attempts at once, and then one each ``seconds``."""

    def __init__(self, size: float, seconds: float) -> None:
        self._size = self._left = size
        self._seconds = seconds
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


class Attempts:
    """Ten wrong ones from an address and then one a minute; a hundred from all of them and then one each six seconds.

    Each process counts for itself, and forgets the address that was longest not heard of when there are too many.
    """

    def __init__(self) -> None:
        self._all = _Bucket(100, 6)
        self._of: dict[str, _Bucket] = {}

    def begin(self, address: str) -> None:
        """Count an attempt, as wrong until it has `succeeded`.

        Raises:
            RateLimitError: there were too many; ``retry-after`` says when there may be another.
        """
        bucket = self._bucket(address)
        seconds = max(bucket.wait(), self._all.wait())
        if seconds > 0:
            after = {"retry-after": str(math.ceil(seconds))}
            raise RateLimitError("Too many attempts; wait before you try again.", headers=after)
        for each in (bucket, self._all):
            each.take(1)

    def succeeded(self, address: str) -> None:
        """The last attempt was right, and does not count."""
        for each in (self._bucket(address), self._all):
            each.take(-1)

    def _bucket(self, address: str) -> _Bucket:
        network = _network(address)
        bucket = self._of.pop(network, None) or _Bucket(10, 60)
        self._of[network] = bucket
        if len(self._of) > MOST_ADDRESSES:
            self._of.pop(next(iter(self._of)))
        return bucket


def _network(address: str) -> str:
    """What one person has of the addresses: of IPv6 a network of 64 bits."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, IPV6_PREFIX), strict=False))
    return address
