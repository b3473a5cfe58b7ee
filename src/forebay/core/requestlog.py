"""What can be asked of the log of requests: one by its id, or the latest of some kind."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from forebay.core.ledger import LATEST
from forebay.core.types import Record

STATUSES = (0, 1000)
"""From which status to before which: any."""


class RequestQuery(msgspec.Struct, frozen=True):
    """Which requests: those of a tenant, a principal, a model (``None``: of all), with a status in a range.

    ``since`` and ``until`` are seconds since the epoch. ``before`` is the moment and id of the last one that was seen.
    """

    tenant: str | None = None
    principal: str | None = None
    model: str | None = None
    statuses: tuple[int, int] = STATUSES
    since: float = 0.0
    until: float = LATEST
    before: tuple[float, str] | None = None

    def holds(self, record: Record) -> bool:
        """Whether ``record`` is one of them."""
        low, high = self.statuses
        return (
            self.tenant in {None, record.tenant}
            and self.principal in {None, record.principal}
            and self.model in {None, record.model}
            and low <= record.status < high
            and self.since <= record.at < self.until
            and (self.before is None or (record.at, record.id) < self.before)
        )


class RequestLog(Protocol):
    """Requests that have ended, as far as they are remembered."""

    async def find(self, request_id: str, /) -> Sequence[Record]:
        """What there is of one request, oldest first.

        Raises:
            UnavailableError: it cannot be read now.
        """
        ...

    async def latest(self, query: RequestQuery, limit: int, /) -> Sequence[Record]:
        """The ``limit`` latest of ``query``, newest first.

        Raises:
            UnavailableError: it cannot be read now.
        """
        ...
