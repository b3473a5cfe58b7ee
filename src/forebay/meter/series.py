"""Usage over time where there is no store: counted from the latest requests that a server remembers."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

from forebay.core.requestlog import RequestLog, RequestQuery
from forebay.core.series import BUCKETS, MEASURES, Point, SeriesQuery, Time, Verdicts, added, measured, timed, times_of
from forebay.core.types import Record

MOST: Final = 20_000
"""So many requests are looked at; a server of several processes may remember more."""


class RecentSeries:
    """A `SeriesBook` over a log."""

    def __init__(self, log: RequestLog) -> None:
        self._log = log

    async def points(self, query: SeriesQuery) -> Sequence[Point]:
        """Sums and counts of the requests of ``query``, by step and group."""
        return await asyncio.to_thread(_points, await self._records(query, query.statuses), query)

    async def verdicts(self, query: SeriesQuery) -> Sequence[Verdicts]:
        """What guards said of those requests."""
        found = Counter(
            (_step(record, query), heard.guard, heard.outcome)
            for record in await self._records(query, (0, 1000))
            for heard in (record.story.heard if record.story else ())
        )
        return [Verdicts(*place, found[place]) for place in sorted(found)]

    async def _records(self, query: SeriesQuery, statuses: tuple[int, int]) -> Sequence[Record]:
        wanted = RequestQuery(query.tenant, query.principal, query.model, statuses, query.since, query.until)
        return await self._log.latest(wanted, MOST)


def _points(records: Sequence[Record], query: SeriesQuery) -> Sequence[Point]:
    kept = _largest(records, query)
    sums: dict[tuple[int, str | None], tuple[int, ...]] = {}
    counts: Counter[tuple[int, str | None, Time, int]] = Counter()
    largest: dict[tuple[int, str | None], dict[Time, float]] = {}
    for record in records:
        group = _group(record, query)
        place = _step(record, query), group if group in kept else None
        figures = measured(record)
        sums[place] = added(sums[place], figures) if place in sums else figures
        counts.update((*place, time, number) for time, number in timed(record).items() if time in query.times)
        longest = largest.setdefault(place, {})
        longest |= {time: max(seconds, longest.get(time, 0.0)) for time, seconds in times_of(record).items()}
    return [
        Point(
            at,
            group,
            tuple(map(int, sums[at, group])),
            {time: [counts[at, group, time, number] for number in range(BUCKETS)] for time in query.times},
            largest[at, group],
        )
        for at, group in sorted(sums, key=lambda place: (place[0], place[1] or ""))
    ]


def _step(record: Record, query: SeriesQuery) -> int:
    return int(record.at // query.step) * query.step


def _group(record: Record, query: SeriesQuery) -> str | None:
    return None if query.by is None else str(getattr(record, query.by))


def _largest(records: Sequence[Record], query: SeriesQuery) -> frozenset[str | None]:
    cost, requests = MEASURES.index("cost"), MEASURES.index("requests")
    order = (cost, requests) if query.costliest else (requests,)
    found: dict[str | None, tuple[int, ...]] = {}
    for record in records:
        group = _group(record, query)
        figures = measured(record)
        found[group] = added(found[group], figures) if group in found else figures
    ranked = sorted(found, key=lambda group: (*(-found[group][each] for each in order), group or ""))
    return frozenset(ranked[: query.groups])
