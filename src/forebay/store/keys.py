"""The table of keys: digests and what they stand for."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import RowMapping, select, update

from forebay.core.keys import IssuedKey
from forebay.store.database import Database
from forebay.store.tables import KEYS
from forebay.store.versions import changed, version

_COLUMNS: Final = tuple(name for name in IssuedKey.__struct_fields__ if name in KEYS.columns)
_OTHERS: Final = tuple(name for name in IssuedKey.__struct_fields__ if name not in KEYS.columns)
_NAME: Final = "keys"


class KeyTable:
    """A `KeyBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def version(self) -> int:
        """Another number after every change."""
        async with self._database.reading() as connection:
            return await version(connection, _NAME)

    async def active(self) -> Sequence[tuple[str, IssuedKey]]:
        """The keys that are not revoked, with their digests."""
        async with self._database.reading() as connection:
            found = (await connection.execute(select(KEYS).where(KEYS.c.revoked.is_(None)))).mappings()
            return [(row["digest"], _key(row)) for row in found]

    async def list(self, tenant: str | None) -> Sequence[IssuedKey]:
        """All keys, or those of a tenant, the newest first."""
        wanted = select(KEYS).order_by(KEYS.c.created.desc(), KEYS.c.id)
        if tenant is not None:
            wanted = wanted.where(KEYS.c.tenant == tenant)
        async with self._database.reading() as connection:
            return [_key(row) for row in (await connection.execute(wanted)).mappings()]

    async def find(self, identity: str) -> IssuedKey | None:
        """The key with that id."""
        async with self._database.reading() as connection:
            found = (await connection.execute(select(KEYS).where(KEYS.c.id == identity))).mappings().first()
            return None if found is None else _key(found)

    async def add(self, digest: str, key: IssuedKey) -> None:
        """Keep a new one."""
        async with self._database.changing() as connection:
            await connection.execute(KEYS.insert().values(digest=digest, **_row(key)))
            await changed(connection, _NAME)

    async def replace(self, key: IssuedKey) -> None:
        """From now on the key of that id is this one; its digest stays."""
        async with self._database.changing() as connection:
            await connection.execute(update(KEYS).where(KEYS.c.id == key.id).values(**_row(key)))
            await changed(connection, _NAME)


def _row(key: IssuedKey) -> dict[str, Any]:
    others = {name: getattr(key, name) for name in _OTHERS}
    return {**{name: getattr(key, name) for name in _COLUMNS}, "details": msgspec.json.encode(others).decode()}


def _key(row: RowMapping) -> IssuedKey:
    others = msgspec.json.decode(row["details"])
    return msgspec.convert({**others, **{name: row[name] for name in _COLUMNS}}, IssuedKey)
