"""The parts that statements about several tables share: whose rows, a page of the latest, what to insert by."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Column, Select, Table, literal, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from forebay.store.storable import storable

OWNED: Final = ("tenant", "principal", "model")

Place = tuple[float, str]
"""The moment and id of a row: where a page ends."""


def alike(wanted: Select[Any], table: Table, query: object, names: Sequence[str] = OWNED) -> Select[Any]:
    """The rows of ``wanted`` whose columns ``names`` are as ``query`` has them; ``None`` there: any."""
    for name in names:
        if (value := getattr(query, name)) is not None:
            wanted = wanted.where(table.c[name] == storable(value))
    return wanted


def latest(
    wanted: Select[Any], moment: Column[float], identity: Column[str], seen: Place | None, limit: int
) -> Select[Any]:
    """The first ``limit`` rows of ``wanted``, the latest first, after the one that was ``seen`` last."""
    if seen is not None:
        wanted = wanted.where(tuple_(moment, identity) < tuple_(*map(literal, seen)))
    return wanted.order_by(moment.desc(), identity.desc()).limit(limit)


def inserting(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that may say what to do on a conflict; SQLAlchemy has one for each database, with the same words."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
