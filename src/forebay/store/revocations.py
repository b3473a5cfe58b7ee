"""The table of revoked tokens."""

import time
from collections.abc import Mapping
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from forebay.store.database import Database
from forebay.store.tables import VERSIONS
from forebay.store.tables_login import REVOCATIONS

_NAME: Final = "revocations"


class RevocationTable:
    """A `RevocationBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def version(self) -> int:
        """Another number after every change."""
        async with self._database.reading() as connection:
            found = await connection.execute(select(VERSIONS.c.number).where(VERSIONS.c.name == _NAME))
            return int(found.scalar_one())

    async def active(self, now: float) -> Mapping[str, float]:
        """Those that have not ended, and when they do."""
        async with self._database.reading() as connection:
            found = await connection.execute(select(REVOCATIONS).where(REVOCATIONS.c.ends > now))
            return {row["id"]: row["ends"] for row in found.mappings()}

    async def add(self, identity: str, ends: float) -> None:
        """Keep one, and forget those that have ended."""
        async with self._database.changing() as connection:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            await connection.execute(delete(REVOCATIONS).where(REVOCATIONS.c.ends <= time.time()))
            await connection.execute(
                insert(REVOCATIONS).values(id=identity, ends=ends).on_conflict_do_nothing(index_elements=["id"])
            )
            await connection.execute(
                update(VERSIONS).where(VERSIONS.c.name == _NAME).values(number=VERSIONS.c.number + 1)
            )
