"""What can be asked of a ledger: rows of usage, and their sums."""

from collections import deque
from collections.abc import Sequence
from typing import Final, Literal, Protocol

import msgspec

from forebay.core.types import Record

LATEST: Final = 1e11
"""Later than any moment of a row, in seconds since the epoch."""

Group = Literal["tenant", "principal", "model", "deployment", "operation", "prompt"]
"""By what usage can be summed up."""


class UsageQuery(msgspec.Struct, frozen=True):
    """Which rows: those of a tenant, a principal, a model (``None``: of all), from ``since`` to before ``until``.

    Moments are seconds since the epoch. ``after`` is the moment and id of the last row that was seen already.
    """

    tenant: str | None = None
    principal: str | None = None
    model: str | None = None
    since: float = 0.0
    until: float = LATEST
    after: tuple[float, str] | None = None


class UsageSum(msgspec.Struct, frozen=True):
    """What the rows of one group came to.

    ``cost`` is in pico-dollars and holds only what is known: ``unpriced`` requests had an answer whose cost is not.
    """

    group: str
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost: int
    unpriced: int


class UsageBook(Protocol):
    """The ledger as it is read."""

    async def rows(self, query: UsageQuery, limit: int, /) -> Sequence[Record]:
        """The first ``limit`` rows of ``query``, oldest first.

        Raises:
            UnavailableError: it cannot be read now.
        """
        ...

    async def sums(self, query: UsageQuery, by: Group, /) -> Sequence[UsageSum]:
        """The rows of ``query`` summed up, the costliest group first; at most a thousand groups.

        Raises:
            UnavailableError: it cannot be read now.
        """
        ...


MOST_ROWS: Final = 200_000
"""More than these are not read into memory at once."""

_PAGE: Final = 1000


async def latest_rows(book: UsageBook, query: UsageQuery) -> Sequence[Record]:
    """All rows of ``query``, oldest first; of more than `MOST_ROWS` the latest.

    Raises:
        UnavailableError: they cannot be read now.
    """
    found: deque[Record] = deque(maxlen=MOST_ROWS)
    while page := await book.rows(query, _PAGE):
        found.extend(page)
        query = msgspec.structs.replace(query, after=(page[-1].at, page[-1].id))
    return list(found)
