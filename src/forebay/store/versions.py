"""Numbers by which whoever keeps a copy of a table sees that it has changed."""

from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forebay.store.tables import VERSIONS

columns: Final = VERSIONS.c


async def version(connection: AsyncConnection, name: str) -> int:
    """That of the table ``name``: another one after every change."""
    found = await connection.execute(select(columns.number).where(columns.name == name))
    return int(found.scalar_one())


async def changed(connection: AsyncConnection, name: str) -> None:
    """Say that the table ``name`` is changed by this transaction."""
    await connection.execute(update(VERSIONS).where(columns.name == name).values(number=columns.number + 1))
