"""The table of sessions: digests of their ids, and whose they are."""

import time
from typing import Any, Final

import msgspec
from sqlalchemy import RowMapping, delete, select, update

from forebay.core.sessions import MOST_OF_ONE, Session
from forebay.store.database import Database
from forebay.store.tables_login import SESSIONS

_COLUMNS: Final = tuple(name for name in Session.__struct_fields__ if name in SESSIONS.columns)
_OTHERS: Final = tuple(name for name in Session.__struct_fields__ if name not in SESSIONS.columns)


class SessionTable:
    """A `SessionBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, digest: str, session: Session) -> None:
        """Keep a new one, and no more than there may be."""
        columns = SESSIONS.c
        its = (columns.origin == session.origin) & (columns.name == session.name)
        newest = select(columns.digest).where(its).order_by(columns.seen.desc()).limit(MOST_OF_ONE - 1)
        async with self._database.changing() as connection:
            await connection.execute(delete(SESSIONS).where(columns.ends <= time.time()))
            await connection.execute(delete(SESSIONS).where(its, columns.digest.not_in(newest)))
            await connection.execute(SESSIONS.insert().values(digest=digest, **_row(session)))

    async def find(self, digest: str) -> Session | None:
        """The session of that digest."""
        wanted = select(SESSIONS).where(SESSIONS.c.digest == digest)
        async with self._database.reading() as connection:
            found = (await connection.execute(wanted)).mappings().first()
        return None if found is None else _session(found)

    async def touch(self, digest: str, seen: float) -> None:
        """It was used."""
        async with self._database.changing() as connection:
            await connection.execute(update(SESSIONS).where(SESSIONS.c.digest == digest).values(seen=seen))

    async def remove(self, digest: str) -> None:
        """Forget it."""
        async with self._database.changing() as connection:
            await connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest))


def _row(session: Session) -> dict[str, Any]:
    others = {name: getattr(session, name) for name in _OTHERS}
    return {**{name: getattr(session, name) for name in _COLUMNS}, "details": msgspec.json.encode(others).decode()}


def _session(found: RowMapping) -> Session:
    others = msgspec.json.decode(found["details"])
    return msgspec.convert({**others, **{name: found[name] for name in _COLUMNS}}, Session)
