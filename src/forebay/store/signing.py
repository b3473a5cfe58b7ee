"""The table of signing keys."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, select

from forebay.core.signing import SigningKey
from forebay.store.database import Database
from forebay.store.statements import inserting
from forebay.store.tables_login import SIGNING_KEYS


class SigningTable:
    """A `SigningBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self) -> Sequence[SigningKey]:
        """All keys, the oldest first."""
        async with self._database.reading() as connection:
            found = await connection.execute(select(SIGNING_KEYS).order_by(SIGNING_KEYS.c.number))
            return [SigningKey(**row) for row in found.mappings()]

    async def add(self, key: SigningKey) -> None:
        """Keep a new one; the first of a number stays."""
        async with self._database.changing() as connection:
            await connection.execute(
                inserting(connection, SIGNING_KEYS)
                .values(**msgspec.structs.asdict(key))
                .on_conflict_do_nothing(index_elements=["number"])
            )

    async def remove(self, number: int) -> None:
        """Forget all up to that number."""
        async with self._database.changing() as connection:
            await connection.execute(delete(SIGNING_KEYS).where(SIGNING_KEYS.c.number <= number))
