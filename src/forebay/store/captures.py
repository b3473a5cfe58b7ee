"""The table of captured bodies: written in batches, bounded by age and by size."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import RowMapping, delete, func, select

from forebay.core.captures import Capture
from forebay.core.requestlog import RequestQuery
from forebay.store.database import Database
from forebay.store.statements import alike, latest
from forebay.store.storable import storable
from forebay.store.tables_captures import CAPTURES

DELETED_AT_ONCE: Final = 500


class CaptureTable:
    """A `CaptureBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, captures: Sequence[Capture]) -> None:
        """Add rows."""
        rows = [
            {
                **{name: storable(value) for name, value in msgspec.structs.asdict(each).items()},
                "size": len(each.request) + len(each.reply),
            }
            for each in captures
        ]
        async with self._database.changing() as connection:
            await connection.execute(CAPTURES.insert(), rows)

    async def find(self, request_id: str) -> Capture | None:
        """The row of one request."""
        wanted = select(CAPTURES).where(CAPTURES.c.id == storable(request_id))
        async with self._database.reading() as connection:
            row = (await connection.execute(wanted)).mappings().first()
            return None if row is None else _capture(row)

    async def latest(self, query: RequestQuery, limit: int) -> Sequence[Capture]:
        """The latest rows, newest first."""
        columns = CAPTURES.c
        wanted = select(CAPTURES).where(columns.at >= query.since, columns.at < query.until)
        ordered = latest(alike(wanted, CAPTURES, query), columns.at, columns.id, query.before, limit)
        async with self._database.reading() as connection:
            return [_capture(row) for row in (await connection.execute(ordered)).mappings()]

    async def forget(self, before: float, most: int) -> None:
        """Delete what is too old, and then the oldest until the rest is small enough."""
        columns = CAPTURES.c
        oldest = select(columns.id).order_by(columns.at, columns.id).limit(DELETED_AT_ONCE)
        async with self._database.changing() as connection:
            await connection.execute(delete(CAPTURES).where(columns.at < before))
        while True:
            async with self._database.changing() as connection:
                size = (await connection.execute(select(func.coalesce(func.sum(columns.size), 0)))).scalar_one()
                if size <= most:
                    return
                await connection.execute(delete(CAPTURES).where(columns.id.in_(oldest)))


def _capture(row: RowMapping) -> Capture:
    return Capture(**{name: row[name] for name in Capture.__struct_fields__})
