"""How often somebody may guess a secret: from one address, and everybody together."""

import ipaddress
import math
from typing import Final, NamedTuple, Protocol

from forebay.core.errors import RateLimitError

IPV6_PREFIX: Final = 64
_LONGEST: Final = 64


class Allowance(NamedTuple):
    """So many attempts at once, and then one each ``seconds``."""

    size: int
    seconds: int


OF_ONE: Final = Allowance(10, 60)
OF_ALL: Final = Allowance(100, 6)


class Attempts(Protocol):
    """Counts wrong attempts: `OF_ONE` address, and `OF_ALL` of them together."""

    async def begin(self, address: str, /) -> None:
        """Count an attempt, as wrong until it has `succeeded`.

        Raises:
            RateLimitError: there were too many; ``retry-after`` says when there may be another.
        """
        ...

    async def succeeded(self, address: str, /) -> None:
        """The last attempt was right, and does not count."""
        ...


def too_many(seconds: float) -> RateLimitError:
    """The refusal where there may be another attempt in so many ``seconds``."""
    wait = str(math.ceil(seconds))
    return RateLimitError(f"Too many attempts: try again in {wait} s.", headers={"retry-after": wait})


def network(address: str) -> str:
    """What one person has of the addresses: of IPv6 a network of 64 bits."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:_LONGEST]
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, IPV6_PREFIX), strict=False))
    return address
