"""The table of usage, read as the log of requests: one by its id, or the latest."""

from collections.abc import Sequence

from sqlalchemy import select

from forebay.core.requestlog import RequestQuery
from forebay.core.types import Record
from forebay.store.database import Database
from forebay.store.statements import alike, latest
from forebay.store.storable import storable
from forebay.store.tables import USAGE
from forebay.store.usage import record_of


class RequestTable:
    """A `RequestLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, request_id: str) -> Sequence[Record]:
        """The rows of one request; a retried delivery makes none twice."""
        wanted = select(USAGE).where(USAGE.c.id == storable(request_id)).order_by(USAGE.c.at)
        async with self._database.reading() as connection:
            return [record_of({**found}) for found in (await connection.execute(wanted)).mappings()]

    async def latest(self, query: RequestQuery, limit: int) -> Sequence[Record]:
        """The latest rows of ``query``, newest first."""
        columns = USAGE.c
        low, high = query.statuses
        wanted = select(USAGE).where(
            columns.at >= query.since, columns.at < query.until, columns.status >= low, columns.status < high
        )
        ordered = latest(alike(wanted, USAGE, query), columns.at, columns.id, query.before, limit)
        async with self._database.reading() as connection:
            return [record_of({**found}) for found in (await connection.execute(ordered)).mappings()]
