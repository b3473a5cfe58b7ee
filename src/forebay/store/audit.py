"""The table of what admins have done; rows are only ever added."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import select

from forebay.core.keys import AdminAction
from forebay.store.database import Database
from forebay.store.tables import AUDIT


class AuditTable:
    """An `AdminLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, action: AdminAction) -> None:
        """Keep one."""
        fields = msgspec.structs.asdict(action)
        details = msgspec.json.encode(action.details).decode()
        async with self._database.changing() as connection:
            await connection.execute(AUDIT.insert().values(**{**fields, "details": details}))

    async def list(self, before: float, limit: int) -> Sequence[AdminAction]:
        """The latest ``limit`` before a moment, the newest first."""
        wanted = select(AUDIT).where(AUDIT.c.at < before).order_by(AUDIT.c.at.desc(), AUDIT.c.id).limit(limit)
        async with self._database.reading() as connection:
            found = (await connection.execute(wanted)).mappings()
            return [AdminAction(**{**row, "details": msgspec.json.decode(row["details"])}) for row in found]
