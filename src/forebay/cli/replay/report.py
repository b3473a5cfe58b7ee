"""The report of a replay: a table for people, a document for machines."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from forebay.cli.replay.compare import Difference, Summary

SHOWN: Final = 20


def document(found: Sequence[Difference], told: Summary, broken: Sequence[str]) -> dict[str, Any]:
    """Everything: the summary, the rules that were broken, each request with both outcomes."""
    return {
        "summary": {**msgspec.structs.asdict(told), "ratios": told.figures},
        "failed": list(broken),
        "requests": [
            {**msgspec.structs.asdict(each), "fails_now": each.fails_now, "judged_otherwise": each.is_judged_otherwise}
            for each in found
        ],
    }


def table(found: Sequence[Difference], told: Summary, broken: Sequence[str]) -> None:
    """Print the summary, and the requests that differ most."""
    console = Console()
    head = Table(title=f"{told.requests} requests, then and now")
    for column in ("", "then", "now", "ratio or change"):
        head.add_column(column, justify="left" if not column else "right")
    ratios = told.figures
    seconds = f"{told.latency_before:.3f} s", f"{told.latency_after:.3f} s"
    head.add_row("latency, median", *seconds, _ratio(ratios["latency"]))
    dollars = f"${told.cost_before:.6f}", f"${told.cost_after:.6f}"
    head.add_row(f"cost of {told.priced} that are priced", *dollars, _ratio(ratios["cost"]))
    head.add_row("requests that fail now", "", "", str(told.errors))
    head.add_row("guards say something else", "", "", str(told.verdicts))
    alike = "-" if told.similarity is None else f"{told.similarity:.3f}, least {told.least_similar:.3f}"
    head.add_row(f"similarity ({told.method})", "", "", alike)
    console.print(head)
    rows = sorted(found, key=_importance)[:SHOWN]
    body = Table(title="The most different")
    for column in ("request", "model", "status", "latency", "similarity", "guards"):
        body.add_column(column)
    for each in rows:
        body.add_row(*_row(each))
    console.print(body)
    for text in broken:
        console.print(f"[red]failed:[/] {text}")


def _importance(each: Difference) -> tuple[bool, bool, float]:
    return not each.fails_now, not each.is_judged_otherwise, each.similarity if each.similarity is not None else 2.0


def _row(each: Difference) -> tuple[str, ...]:
    before, after = each.before, each.after
    status = f"{before.status} → {after.status}" + (f" {after.error}" if after.error else "")
    guards = f"{_guards(before.verdicts)} → {_guards(after.verdicts)}" if each.is_judged_otherwise else ""
    alike = "-" if each.similarity is None else f"{each.similarity:.3f}"
    return each.id, each.model, status, f"{before.latency:.3f} → {after.latency:.3f} s", alike, guards


def _guards(verdicts: tuple[str, ...] | None) -> str:
    return ", ".join(verdicts or ()) or "-"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"x {value:.2f}"
