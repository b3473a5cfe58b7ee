"""Usage over time: rows are counted in their cells by the transaction that adds them, so that reading sums up few.

A month of a million requests is some ten thousand cells of an hour; a row that is brought again is counted once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Select, Table, case, delete, func, literal, literal_column, null, select
from sqlalchemy.ext.asyncio import AsyncConnection

from forebay.core.series import (
    BUCKETS,
    DIMENSIONS,
    HOUR,
    LEVELS,
    MEASURES,
    MINUTE,
    TIMES,
    Point,
    SeriesQuery,
    Time,
    Verdicts,
    added,
    measured,
    timed,
)
from forebay.core.types import Record
from forebay.store.database import Database
from forebay.store.statements import alike, inserting
from forebay.store.storable import INTEGER_LIMIT, storable
from forebay.store.tables_series import SERIES, VERDICTS

MOST_VERDICTS: Final = 50_000

_KEY: Final = ("level", "at", *DIMENSIONS)
_VERDICT_KEY: Final = ("level", "at", "tenant", "principal", "model", "guard", "outcome")


def _counts(times: Iterable[Time]) -> list[str]:
    return [f"{time}_{number}" for time in times for number in range(BUCKETS)]


_FIGURES: Final = (*MEASURES, *_counts(TIMES))
_PLACES: Final = {time: len(MEASURES) + n * BUCKETS for n, time in enumerate(TIMES)}

Key = tuple[Any, ...]


class SeriesTable:
    """A `SeriesBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def points(self, query: SeriesQuery) -> Sequence[Point]:
        """Sums and counts of the cells of ``query``, by step and group."""
        columns = SERIES.c
        at = (columns.at // query.step * query.step).label("bucket")
        async with self._database.reading() as connection:
            group = await _group(connection, query)
            sums = [func.sum(columns[name]) for name in (*MEASURES, *_counts(query.times))]
            wanted = _where(select(at, group.label("found"), *sums), SERIES, query)
            found = await connection.execute(wanted.group_by("bucket", "found").order_by("bucket", "found"))
            return [_point(query.times, *each) for each in found]

    async def verdicts(self, query: SeriesQuery) -> Sequence[Verdicts]:
        """The cells of verdicts, summed up by step."""
        columns = VERDICTS.c
        at = (columns.at // query.step * query.step).label("bucket")
        wanted = _where(select(at, columns.guard, columns.outcome, func.sum(columns.count)), VERDICTS, query)
        ordered = wanted.group_by("bucket", columns.guard, columns.outcome)
        ordered = ordered.order_by("bucket", columns.guard, columns.outcome).limit(MOST_VERDICTS)
        async with self._database.reading() as connection:
            found = await connection.execute(ordered)
            return [Verdicts(int(at), guard, outcome, int(count)) for at, guard, outcome, count in found]


async def count(connection: AsyncConnection, records: Iterable[Record]) -> None:
    """Count ``records`` in their cells."""
    cells: dict[Key, list[int]] = {}
    verdicts: dict[Key, list[int]] = {}
    for record in records:
        whose = tuple(storable(getattr(record, name)) for name in DIMENSIONS)
        at = int(record.at // MINUTE) * MINUTE
        _count(cells.setdefault((MINUTE, at, *whose), [0] * len(_FIGURES)), record)
        for heard in record.story.heard if record.story else ():
            about = (MINUTE, at, *whose[:3], storable(heard.guard), storable(heard.outcome))
            verdicts.setdefault(about, [0])[0] += 1
    await _add(connection, SERIES, (*_KEY, *_FIGURES), _of_all_levels(cells))
    await _add(connection, VERDICTS, (*_VERDICT_KEY, "count"), _of_all_levels(verdicts))


def _count(cell: list[int], record: Record) -> None:
    for place, figure in enumerate(measured(record)):
        cell[place] = min(cell[place] + figure, INTEGER_LIMIT)
    for time, number in timed(record).items():
        cell[_PLACES[time] + number] += 1


def _of_all_levels(cells: Mapping[Key, list[int]]) -> list[tuple[Any, ...]]:
    """The ``cells`` of minutes and those of their hours, as rows.

    Two servers that add to the same ones take them in the same order, so neither waits for the other for ever.
    """
    hours: dict[Key, list[int]] = {}
    for (_, at, *about), figures in cells.items():
        key = (HOUR, at // HOUR * HOUR, *about)
        hours[key] = [*added(hours[key], figures)] if key in hours else figures
    return [(*key, *all_of_them[key]) for all_of_them in (cells, hours) for key in sorted(all_of_them)]


async def forget(connection: AsyncConnection, before: float) -> None:
    """Delete the cells that ended ``before``."""
    for table in (SERIES, VERDICTS):
        for level in LEVELS:
            await connection.execute(delete(table).where(table.c.level == level, table.c.at <= before - level))


async def _add(connection: AsyncConnection, table: Table, names: Sequence[str], rows: Sequence[Key]) -> None:
    if not rows:
        return
    made = inserting(connection, table)
    sums = {column.name: _sum(column, made.excluded[column.name]) for column in table.c if not column.primary_key}
    adding = made.on_conflict_do_update(index_elements=[*table.primary_key], set_=sums)
    await connection.execute(adding, [dict(zip(names, row, strict=True)) for row in rows])


def _sum(column: Column[int], more: ColumnElement[int]) -> ColumnElement[int]:
    """Both; of figures that may be anything as far as a database can add up many of them."""
    if column.name not in MEASURES:
        return column + more
    most: ColumnElement[int] = literal_column(str(INTEGER_LIMIT))
    return case((column > most - more, most), else_=column + more)


async def _group(connection: AsyncConnection, query: SeriesQuery) -> ColumnElement[Any]:
    """What a cell's group is: one of the largest, or none."""
    if query.by is None:
        return null()
    column = SERIES.c[query.by]
    requests = func.sum(SERIES.c.requests).desc()
    order = (func.sum(SERIES.c.cost).desc(), requests) if query.costliest else (requests,)
    largest = _where(select(column), SERIES, query).group_by(column).order_by(*order, column).limit(query.groups)
    groups = list((await connection.execute(largest)).scalars())
    return case((column.in_([literal(each) for each in groups]), column)) if groups else null()


def _point(times: Sequence[Time], at: int, group: object, *figures: int) -> Point:
    sums, counts = figures[: len(MEASURES)], figures[len(MEASURES) :]
    parts = {time: tuple(map(int, counts[n * BUCKETS : (n + 1) * BUCKETS])) for n, time in enumerate(times)}
    return Point(int(at), None if group is None else str(group), tuple(map(int, sums)), parts)


def _where(wanted: Select[Any], table: Table, query: SeriesQuery) -> Select[Any]:
    columns = table.c
    wanted = wanted.where(columns.level == query.level, columns.at >= query.since, columns.at < query.until)
    wanted = alike(wanted, table, query)
    if table is SERIES:
        low, high = query.statuses
        wanted = wanted.where(columns.status >= low, columns.status < high)
    return wanted
