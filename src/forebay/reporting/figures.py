"""The figures of a period, out of the rows of the ledger and what people said."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from forebay.core.feedback import Feedback
from forebay.core.quantiles import quantile
from forebay.core.types import Record

HOUR: Final = 3600.0
SERVER_ERROR: Final = 500
INCIDENT_SHARE: Final = 0.05
INCIDENT_REQUESTS: Final = 20
"""An hour with fewer requests has no incident: one that fails would be one."""

LONGEST_LIST: Final = 10
PASSED: Final = "pass"


class Totals(msgspec.Struct, frozen=True):
    """What some rows came to. ``cost`` is in pico-dollars; of ``unpriced`` requests nobody knows it.

    ``p50`` and ``p95`` are seconds until the end of an answer, ``None`` where there was none.
    """

    requests: int
    failed: int
    tokens: int
    cost: int
    unpriced: int
    people: int
    cached: int
    again: int
    objected: int
    p50: float | None
    p95: float | None

    @property
    def failed_share(self) -> float:
        """Of all requests, those that failed."""
        return self.failed / self.requests if self.requests else 0.0


class Group(msgspec.Struct, frozen=True):
    """The rows of one model, tenant or prompt."""

    name: str
    totals: Totals


class Incident(msgspec.Struct, frozen=True):
    """Hours in a row, from ``since`` to before ``until``, in which many of a model's requests failed."""

    model: str
    since: float
    until: float
    failed: int
    requests: int


class Report(msgspec.Struct, frozen=True):
    """A period and the one before, both of the same length; moments are seconds since the epoch."""

    since: float
    until: float
    now: Totals
    before: Totals
    models: Sequence[Group]
    tenants: Sequence[Group]
    prompts: Sequence[Group]
    liked: int
    disliked: int
    comments: Sequence[str]
    incidents: Sequence[Incident]


def report(rows: Sequence[Record], said: Sequence[Feedback], since: float, until: float) -> Report:
    """The report of what happened from ``since`` to before ``until``; ``rows`` go back twice as far."""
    now = [row for row in rows if since <= row.at < until]
    before = [row for row in rows if 2 * since - until <= row.at < since]
    recent = [each for each in said if since <= each.created < until]
    comments = [each.comment for each in recent if each.comment and each.rating != "up"]
    return Report(
        since,
        until,
        totals(now),
        totals(before),
        _groups(now, lambda row: row.model),
        _groups(now, lambda row: row.tenant),
        _groups(now, lambda row: row.prompt),
        sum(each.rating == "up" for each in recent),
        sum(each.rating == "down" for each in recent),
        comments[:LONGEST_LIST],
        incidents(now),
    )


def totals(rows: Sequence[Record]) -> Totals:
    """What ``rows`` came to."""
    ends = sorted(row.latency for row in rows if row.outcome == "ok")
    return Totals(
        len(rows),
        sum(map(_failed, rows)),
        sum(row.prompt_tokens + row.completion_tokens for row in rows),
        sum(row.cost or 0 for row in rows),
        sum(row.cost is None and row.outcome != "error" for row in rows),
        len({(row.tenant, row.principal) for row in rows}),
        sum(row.cache.endswith("hit") for row in rows),
        sum(len(row.attempts) > 1 for row in rows),
        sum(_objected(row) for row in rows),
        quantile(ends, 0.5) if ends else None,
        quantile(ends, 0.95) if ends else None,
    )


def incidents(rows: Iterable[Record]) -> Sequence[Incident]:
    """The hours in which `INCIDENT_SHARE` of a model's requests or more failed, joined where they follow each other."""
    hours: dict[tuple[str, int], list[Record]] = {}
    for row in rows:
        if model := row.model or (row.story.model if row.story else ""):
            hours.setdefault((model, int(row.at // HOUR)), []).append(row)
    found: list[Incident] = []
    for (model, hour), each in sorted(hours.items()):
        failed = sum(map(_failed, each))
        if len(each) < INCIDENT_REQUESTS or failed < INCIDENT_SHARE * len(each):
            continue
        last = found[-1] if found else None
        if last is not None and (last.model, last.until) == (model, hour * HOUR):
            found[-1] = Incident(model, last.since, last.until + HOUR, last.failed + failed, last.requests + len(each))
        else:
            found.append(Incident(model, hour * HOUR, (hour + 1) * HOUR, failed, len(each)))
    return sorted(found, key=lambda each: each.since)


def _groups(rows: Sequence[Record], by: Callable[[Record], str]) -> Sequence[Group]:
    """The costliest first, then the most used; rows without a name are in none."""
    found: dict[str, list[Record]] = {}
    for row in rows:
        if name := by(row):
            found.setdefault(name, []).append(row)
    groups = [Group(name, totals(each)) for name, each in found.items()]
    return sorted(groups, key=lambda each: (-each.totals.cost, -each.totals.requests, each.name))[:LONGEST_LIST]


def _failed(row: Record) -> bool:
    return row.status >= SERVER_ERROR


def _objected(row: Record) -> bool:
    return row.story is not None and any(each.action != PASSED for each in row.story.heard)
