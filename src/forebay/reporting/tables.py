"""A report as titles, sentences and tables of words, whatever it is then written as."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from forebay.core.money import PICO
from forebay.reporting.figures import Group, Incident, Report, Totals

NOTHING: Final = "-"


class Section(msgspec.Struct, frozen=True):
    """A title, and a table below it or, where there is nothing to show, a sentence."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str


def title(report: Report) -> str:
    """What the report is about."""
    return f"Language models, {_day(report.since)} to {_day(report.until - 1)}"


def sections(report: Report) -> Sequence[Section]:
    """Everything, in the order in which it is read."""
    head = ("", "requests", "failed", "tokens", "cost")
    return (
        Section("At a glance", ("", "this period", "the one before"), _glance(report), ""),
        Section("By model", head, _groups(report.models), "Nobody has asked a model."),
        Section("By tenant", head, _groups(report.tenants), "Nobody has asked a model."),
        Section("By prompt", head, _groups(report.prompts), "No request has named a prompt."),
        Section("What people said", ("",), [[each] for each in report.comments], _said(report)),
        Section(
            "Incidents",
            ("model", "from", "until", "failed"),
            [_incident(each) for each in report.incidents],
            "No model failed for more than a moment.",
        ),
    )


def _glance(report: Report) -> Sequence[Sequence[str]]:
    now, before = report.now, report.before
    return [
        ["Requests", _count(now.requests), _count(before.requests)],
        ["People and services", _count(now.people), _count(before.people)],
        ["Tokens", _count(now.tokens), _count(before.tokens)],
        ["Cost", _cost(now), _cost(before)],
        ["Failed", _share(now.failed, now), _share(before.failed, before)],
        ["Typical answer", _seconds(now.p50), _seconds(before.p50)],
        ["Slow answer (1 in 20 is slower)", _seconds(now.p95), _seconds(before.p95)],
        ["Answered from the cache", _share(now.cached, now), _share(before.cached, before)],
        ["Took more than one attempt", _share(now.again, now), _share(before.again, before)],
        ["A guard objected", _share(now.objected, now), _share(before.objected, before)],
        ["Liked, disliked", f"{report.liked}, {report.disliked}", ""],
    ]


def _groups(groups: Sequence[Group]) -> Sequence[Sequence[str]]:
    return [
        [
            each.name,
            _count(each.totals.requests),
            f"{each.totals.failed_share:.1%}",
            _count(each.totals.tokens),
            _cost(each.totals),
        ]
        for each in groups
    ]


def _incident(each: Incident) -> Sequence[str]:
    return [each.model, _moment(each.since), _moment(each.until), f"{each.failed} of {each.requests}"]


def _said(report: Report) -> str:
    return "Nobody has said anything." if not report.liked + report.disliked else "Nobody has written a word."


def _cost(found: Totals) -> str:
    known = f"${found.cost / PICO:,.2f}"
    return f"{known}, unknown of {found.unpriced:,} requests" if found.unpriced else known


def _share(part: int, found: Totals) -> str:
    return f"{part / found.requests:.1%}" if found.requests else NOTHING


def _count(number: int) -> str:
    return f"{number:,}"


def _seconds(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds:.2f} s"


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def _moment(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
