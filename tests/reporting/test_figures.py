"""The figures of a report, against rows whose sums are known."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.feedback import Feedback
from forebay.core.story import Heard, Story
from forebay.core.types import Attempt, Record
from forebay.reporting.figures import HOUR, Incident, incidents, report, totals
from tests.support.records import record

DAY = 86400.0
SINCE, UNTIL = 100 * DAY, 107 * DAY


def row(at: float, **fields: Any) -> Record:
    return record(0, **{"at": at, "cost": 10, "latency": 1.0, **fields})


def test_a_period_stands_beside_the_one_before() -> None:
    again = (Attempt("m", "p/m", "first", 0.0, 0.1, "upstream_error"), Attempt("m", "q/m", "retry", 0.1, 0.2, "ok"))
    objected = Story(heard=(Heard("pii", "input", "mask", "masked", 0.1),))
    rows = [
        row(SINCE - 8 * DAY),
        row(SINCE - 1),
        row(SINCE, cache="hit", cost=0),
        row(SINCE + 1, cache="semantic-hit", attempts=again, tenant="b", prompt="x@1"),
        row(UNTIL - 1, cost=None, story=objected, principal="bob"),
        row(UNTIL - 1, status=502, outcome="error", cost=None, latency=9.0),
        row(UNTIL),
    ]
    found = report(rows, [], SINCE, UNTIL)
    now = found.now
    assert (now.requests, now.failed, now.cost, now.unpriced, now.people) == (4, 1, 10, 1, 3)
    assert (now.cached, now.again, now.objected, now.p50, now.p95) == (2, 1, 1, 1.0, 1.0)
    assert found.before.requests == 1
    assert [group.name for group in found.prompts] == ["x@1"]
    assert {group.name: group.totals.requests for group in found.tenants} == {"team": 3, "b": 1}


def test_how_long_answers_took_is_told_as_a_bench_tells_it() -> None:
    found = report([row(SINCE, latency=seconds) for seconds in (4.0, 1.0, 2.0, 3.0)], [], SINCE, UNTIL).now
    assert (found.p50, found.p95) == pytest.approx((2.5, 3.85))
    assert report([row(SINCE, outcome="error")], [], SINCE, UNTIL).now.p50 is None


def test_what_people_said_is_counted_and_quoted() -> None:
    def said(at: float, rating: Any, comment: str = "") -> Feedback:
        return Feedback("f", at, "t", "p", "request", "req_1", rating, comment=comment)

    found = report(
        [], [said(SINCE, "up", "good"), said(SINCE, "down", "wrong"), said(UNTIL, "down", "late")], SINCE, UNTIL
    )
    assert (found.liked, found.disliked, found.comments) == (1, 1, ["wrong"])


def hour(number: int, failed: int, requests: int = 40, model: str = "m") -> list[Record]:
    return [row(number * HOUR + each, model=model, status=503 if each < failed else 200) for each in range(requests)]


def test_hours_in_a_row_are_one_incident() -> None:
    rows = [*hour(1, 2), *hour(2, 1), *hour(3, 30), *hour(4, 20), *hour(3, 19, 19, "other")]
    assert incidents(rows) == [
        Incident("m", HOUR, 2 * HOUR, 2, 40),
        Incident("m", 3 * HOUR, 5 * HOUR, 50, 80),
    ]


def test_a_model_that_no_deployment_answered_for_has_incidents_too() -> None:
    rows = [row(each, model="", status=503, story=Story(model="gone")) for each in range(20)]
    assert [each.model for each in incidents(rows)] == ["gone"]


@given(st.lists(st.builds(row, st.floats(0, 10 * HOUR), status=st.sampled_from([200, 500]), model=st.just("m"))))
def test_incidents_never_overlap_and_hold_no_more_than_failed(rows: list[Record]) -> None:
    found = incidents(rows)
    assert all(one.until < other.since for one, other in itertools.pairwise(found))
    assert sum(each.failed for each in found) <= totals(rows).failed
