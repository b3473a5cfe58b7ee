"""The table of links; what has expired is never shown, and deleted when the next one is made."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import ColumnElement, RowMapping, delete, literal, select

from forebay.core.shares import Share
from forebay.store.database import Database
from forebay.store.storable import storable
from forebay.store.tables_shares import SHARES

columns = SHARES.c


class ShareTable:
    """A `ShareBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, digest: bytes, share: Share) -> None:
        """Add a row."""
        row = {name: storable(value) for name, value in msgspec.structs.asdict(share).items()}
        async with self._database.changing() as connection:
            await connection.execute(delete(SHARES).where(columns.expires <= share.created))
            await connection.execute(SHARES.insert().values(digest=digest, **row))

    async def open(self, digest: bytes, now: float) -> Share | None:
        """The row of a link."""
        wanted = select(SHARES).where(columns.digest == digest, columns.expires > now)
        async with self._database.reading() as connection:
            row = (await connection.execute(wanted)).mappings().first()
            return None if row is None else _share(row)

    async def list(self, owner: tuple[str, str] | None, now: float, limit: int) -> Sequence[Share]:
        """The latest rows, without their pages."""
        wanted = select(*(each for each in columns if each.name not in {"page", "digest"}), literal(b"").label("page"))
        wanted = wanted.where(columns.expires > now, *_of(owner))
        ordered = wanted.order_by(columns.created.desc(), columns.id).limit(limit)
        async with self._database.reading() as connection:
            return [_share(row) for row in (await connection.execute(ordered)).mappings()]

    async def remove(self, identity: str, owner: tuple[str, str] | None) -> bool:
        """Delete a row."""
        wanted = delete(SHARES).where(columns.id == storable(identity), *_of(owner))
        async with self._database.changing() as connection:
            return bool((await connection.execute(wanted)).rowcount)


def _of(owner: tuple[str, str] | None) -> Sequence[ColumnElement[bool]]:
    if owner is None:
        return ()
    tenant, name = owner
    return (columns.tenant == storable(tenant), columns.owner == storable(name))


def _share(row: RowMapping) -> Share:
    return Share(**{name: row[name] for name in Share.__struct_fields__})
