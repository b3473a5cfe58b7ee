"""The table of passwords that the server has made."""

import time

from sqlalchemy import select

from forebay.store.database import Database
from forebay.store.statements import inserting
from forebay.store.tables_login import PASSWORDS


class PasswordTable:
    """A `PasswordBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, name: str) -> str | None:
        """The hash of that of ``name``."""
        wanted = select(PASSWORDS.c.hashed).where(PASSWORDS.c.name == name)
        async with self._database.reading() as connection:
            found: str | None = (await connection.execute(wanted)).scalar_one_or_none()
        return found

    async def add(self, name: str, hashed: str) -> bool:
        """Keep one; the first of a name stays."""
        async with self._database.changing() as connection:
            values = {"name": name, "hashed": hashed, "created": time.time()}
            statement = inserting(connection, PASSWORDS).values(values).on_conflict_do_nothing(index_elements=["name"])
            return (await connection.execute(statement)).rowcount == 1
