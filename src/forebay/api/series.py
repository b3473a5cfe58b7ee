"""``GET /v1/usage/series``: usage over time, for charts; everybody sees their own tenant's, an admin all."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from forebay.api.http import Receive, Scope, Send, header, send_json
from forebay.api.query import known, moment, number, statuses, tenant
from forebay.core.errors import InvalidRequestError
from forebay.core.ports import Authenticator
from forebay.core.series import (
    DIMENSIONS,
    HOUR,
    MEASURES,
    MINUTE,
    MOST_GROUPS,
    TIMES,
    Dimension,
    Point,
    SeriesBook,
    SeriesQuery,
    percentile,
)
from forebay.core.types import Principal

PATH: Final = "/v1/usage/series"
KNOWN: Final = (
    *("since", "until", "step", "group_by", "groups", "order", "metrics"),
    *("tenant", "principal", "model", "status"),
)
METRICS: Final = ("usage", *TIMES, "verdicts")
POINTS: Final = 120
MOST_POINTS: Final = 1000
GROUPS: Final = 8
LONGEST_STEP: Final = 366 * 86400
STEPS: Final = (60, 120, 300, 900, 1800, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR)
SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99}

Told = dict[str, Any]


class SeriesEndpoint:
    """``source`` says where ``book`` has it from; ``flush`` has it know everything that has ended until now."""

    def __init__(self, book: SeriesBook, source: str, flush: Callable[[], None], authenticator: Authenticator) -> None:
        self._book = book
        self._source = source
        self._flush = flush
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """One list of moments, and for each group a list of figures as long."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        given = known(scope["query_string"], KNOWN)
        metrics = _metrics(given.get("metrics", "usage"))
        query = _query(given, metrics, principal)
        self._flush()
        times = range(query.since, query.until, query.step)
        found = {
            "object": "usage.series",
            "source": self._source,
            "since": query.since,
            "until": query.until,
            "step": query.step,
            "group_by": query.by,
            "times": times,
            "data": await self._groups(query, times, metrics) if metrics != {"verdicts"} else [],
            "verdicts": await self._verdicts(query, times) if "verdicts" in metrics else [],
        }
        await send_json(send, request_id, {**found, "times": [*times]})

    async def _groups(self, query: SeriesQuery, times: range, metrics: frozenset[str]) -> Sequence[Told]:
        groups: dict[str | None, Told] = {}
        for point in await self._book.points(query):
            place = times.index(point.at)
            told = groups.setdefault(point.group, _empty(point.group, len(times), metrics))
            _fill(told, place, point, metrics)
        if not groups and query.by is None:
            return [_empty(None, len(times), metrics)]
        return sorted(groups.values(), key=lambda each: each["group"] is None)  # the others are the last

    async def _verdicts(self, query: SeriesQuery, times: range) -> Sequence[Told]:
        found: dict[tuple[str, str], list[int]] = {}
        for each in await self._book.verdicts(query):
            counts = found.setdefault((each.guard, each.outcome), [0] * len(times))
            counts[times.index(each.at)] += each.count
        return [
            {"guard": guard, "outcome": outcome, "count": counts} for (guard, outcome), counts in sorted(found.items())
        ]


def _empty(group: str | None, length: int, metrics: frozenset[str]) -> Told:
    sums = {name: [0] * length for name in MEASURES} if "usage" in metrics else {}
    shares: Told = {time: {name: [None] * length for name in SHARES} for time in TIMES if time in metrics}
    return {"group": group, **sums, **shares}


def _fill(told: Told, place: int, point: Point, metrics: frozenset[str]) -> None:
    if "usage" in metrics:
        for name, value in zip(MEASURES, point.sums, strict=True):
            told[name][place] = value
    for time_, counts in point.counts.items():
        for name, share in SHARES.items():
            found = percentile(counts, share, point.largest.get(time_, math.inf))
            told[time_][name][place] = None if found is None else round(found, 6)


def _query(given: Mapping[str, str], metrics: frozenset[str], principal: Principal) -> SeriesQuery:
    since, until, step = _range(given)
    return SeriesQuery(
        since,
        until,
        step,
        tenant(given, principal, "usage"),
        given.get("principal"),
        given.get("model"),
        statuses(given.get("status")),
        _dimension(given.get("group_by")),
        tuple(time for time in TIMES if time in metrics),
        number(given, "groups", GROUPS, MOST_GROUPS),
        _costliest(given.get("order", "requests")),
    )


def _range(given: Mapping[str, str]) -> tuple[int, int, int]:
    """From when to when, in whole steps that hold both moments."""
    now = time.time()
    until = moment(given, "until", now)
    since = moment(given, "since", until - HOUR)
    if not 0 <= since < until <= now + 10 * LONGEST_STEP:
        raise InvalidRequestError("'since' is a moment before 'until', which is by default now.", param="since")
    step = _step(given, until - since)
    first, last = int(since // step) * step, -int(-until // step) * step
    if (last - first) // step > MOST_POINTS:
        raise InvalidRequestError(
            f"That would be more than {MOST_POINTS} points: take a longer 'step', or leave it out.", param="step"
        )
    return first, last, step


def _step(given: Mapping[str, str], span: float) -> int:
    """What was asked for, or the shortest that makes no more than `POINTS`."""
    if "step" not in given:
        return next((step for step in STEPS if span / step <= POINTS), int(span / POINTS / HOUR + 1) * HOUR)
    step = number(given, "step", MINUTE, LONGEST_STEP)
    if step % (MINUTE if step < HOUR else HOUR):
        raise InvalidRequestError("'step' is in seconds: whole minutes up to an hour, then whole hours.", param="step")
    return step


def _metrics(text: str) -> frozenset[str]:
    found = frozenset(text.split(","))
    if found - {*METRICS}:
        raise InvalidRequestError(f"'metrics' are some of {','.join(METRICS)}.", param="metrics")
    return found


def _dimension(text: str | None) -> Dimension | None:
    if text is None:
        return None
    for each in DIMENSIONS:
        if each == text:
            return each
    raise InvalidRequestError(f"'group_by' is one of {', '.join(DIMENSIONS)}.", param="group_by")


def _costliest(text: str) -> bool:
    if text not in {"requests", "cost"}:
        raise InvalidRequestError(
            "'order' is requests or cost: by which of them the largest groups are.", param="order"
        )
    return text == "cost"
