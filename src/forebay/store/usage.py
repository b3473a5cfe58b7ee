"""The table of usage: records become rows, each once, however often they are brought."""

from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

import msgspec
from sqlalchemy import Select, case, delete, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from forebay.core.ledger import Group, UsageQuery, UsageSum
from forebay.core.types import Record
from forebay.store.database import Database
from forebay.store.series import count, forget
from forebay.store.statements import alike, inserting
from forebay.store.storable import storable
from forebay.store.tables import USAGE

GROUPS: Final = 1000
DELETED_AT_ONCE: Final = 5000

_COLUMNS: Final = tuple(name for name in Record.__struct_fields__ if name in USAGE.columns)
_OTHERS: Final = tuple(name for name in Record.__struct_fields__ if name not in _COLUMNS)


Row = tuple[str, Record]
"""A record, and the name by which the row is known when it is brought again."""


class UsageTable:
    """A `UsageBook`, and what fills it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, rows: Sequence[Row]) -> None:
        """Add those of ``rows`` that are not there yet, all or none.

        Raises:
            Exception: one of `database.AWAY`.
        """
        if not rows:
            return
        async with self._database.writing() as connection:
            new = await _insert(connection, [{"row": name, **row(record)} for name, record in rows])
            await count(connection, [record for name, record in dict(rows).items() if name in new])

    async def forget(self, before: float) -> int:
        """Delete some rows that are older than ``before``, oldest first, and what counts them; how many there were.

        Raises:
            Exception: one of `database.AWAY`.
        """
        old = select(USAGE.c.row).where(USAGE.c.at < before).order_by(USAGE.c.at).limit(DELETED_AT_ONCE)
        async with self._database.writing() as connection:
            done = await connection.execute(delete(USAGE).where(USAGE.c.row.in_(old)))
            await forget(connection, before)
            return done.rowcount

    async def rows(self, query: UsageQuery, limit: int) -> Sequence[Record]:
        """The first ``limit`` rows of ``query``, oldest first.

        Raises:
            UnavailableError: the database is away.
        """
        wanted = _where(select(USAGE), query).order_by(USAGE.c.at, USAGE.c.id).limit(limit)
        async with self._database.reading() as connection:
            return [record_of(found) for found in (await connection.execute(wanted)).mappings()]

    async def sums(self, query: UsageQuery, by: Group) -> Sequence[UsageSum]:
        """The rows of ``query`` summed up, the costliest group first.

        Raises:
            UnavailableError: the database is away.
        """
        columns = USAGE.c
        cost = func.coalesce(func.sum(columns.cost), 0)
        unpriced = case((columns.cost.is_(None) & (columns.outcome != "error"), 1), else_=0)
        wanted = _where(
            select(
                columns[by],
                func.count(),
                func.sum(columns.prompt_tokens),
                func.sum(columns.completion_tokens),
                func.sum(columns.cached_tokens),
                cost,
                func.sum(unpriced),
            ),
            query,
        )
        ordered = wanted.group_by(columns[by]).order_by(cost.desc(), columns[by]).limit(GROUPS)
        async with self._database.reading() as connection:
            return [UsageSum(group, *map(int, sums)) for group, *sums in await connection.execute(ordered)]


def row(record: Record) -> dict[str, Any]:
    """``record`` as every database takes it: no text too long or with a NUL, no number too large."""
    fields = {name: storable(getattr(record, name)) for name in _COLUMNS}
    others = {name: getattr(record, name) for name in _OTHERS}
    return {**fields, "details": msgspec.json.encode(others).decode().replace("\\u0000", "\\ufffd")}


def record_of(found: Mapping[str, Any]) -> Record:
    """The record that became the row ``found``."""
    others = msgspec.json.decode(found["details"])
    return msgspec.convert({**others, **{name: found[name] for name in _COLUMNS}}, Record)


async def _insert(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> Set[str]:
    """The names of those that were not there yet."""
    adding = inserting(connection, USAGE).on_conflict_do_nothing(index_elements=["row"]).returning(USAGE.c.row)
    return set((await connection.execute(adding, rows)).scalars())


def _where(wanted: Select[Any], query: UsageQuery) -> Select[Any]:
    columns = USAGE.c
    wanted = wanted.where(columns.at >= query.since, columns.at < query.until)
    wanted = alike(wanted, USAGE, query)
    if query.after is not None:
        wanted = wanted.where(tuple_(columns.at, columns.id) > tuple_(*map(literal, query.after)))
    return wanted
