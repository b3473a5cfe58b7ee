"""The figures as a table for the terminal."""

from collections.abc import Sequence

from forebay.cli.bench.plan import Found, Side
from forebay.cli.bench.statistics import Distribution, Ratio
from forebay.cli.bench.summary import Summary

HEAD = ("ms", "mean", "p50", "p90", "p99", "max")


def table(found: Found) -> str:
    """All figures, one server after the other, then their ratios."""
    parts = [_side(side, f"{side.name}: " if len(found.sides) > 1 else "") for side in found.sides]
    if found.ratios:
        parts.append(_ratios(found))
    if found.stopped:
        parts.append("Stopped before its end: these are the figures of what was done.")
    return "\n\n".join(parts)


def distributions(one: Summary) -> list[tuple[str, Distribution]]:
    """Those that there are, by the names that people know."""
    named = (
        ("TTFT", one.ttft),
        ("TPOT", one.tpot),
        ("ITL", one.itl),
        ("latency", one.latency),
        ("sent late", one.late),
    )
    return [(name, each) for name, each in named if each is not None]


def facts(one: Summary) -> list[tuple[str, str]]:
    """What is not a distribution."""
    aborted = f", {one.aborted:,} aborted" if one.aborted else ""
    rows = [
        ("requests", f"{one.completed:,} completed, {one.failed:,} failed{aborted}, in {one.seconds:.2f} s"),
        ("throughput", _throughput(one)),
    ]
    if one.goodput is not None:
        good = one.goodput
        rows.append(("goodput", f"{good.per_second:,.2f} requests/s, {good.share:.1%} kept {good.slo}"))
    tokens = [
        f"{each.total:,} {what} ({each.least:,} to {each.most:,} a request)"
        for what, each in (("in", one.input), ("out", one.output))
        if each is not None
    ]
    if one.hits:
        rows.append(("cache", f"{one.hits:,} replies came out of one, by x-cache"))
    if tokens:
        rows.append(("tokens", ", ".join(tokens)))
    return rows


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def percent(ratio: Ratio | None) -> tuple[str, str]:
    """The ratio with its interval, and what it says."""
    if ratio is None:
        return "-", "not to be told"
    said = "no clear difference" if not ratio.clear else "more" if ratio.ratio > 1 else "less"
    return f"{ratio.ratio:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]", said


def milliseconds(value: float) -> str:
    """With three figures that count, or all before the point."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.2f}"  # noqa: PLR2004


def _side(side: Side, name: str) -> str:
    rows: list[tuple[str, ...]] = [HEAD]
    for what, each in distributions(side.summary):
        rows.append((what, *map(milliseconds, (each.mean, each.p50, each.p90, each.p99, each.most))))
    parts = [f"{name}{side.url}  {side.form.model}  {side.form.operation}{'' if side.form.streamed else ', whole'}"]
    parts += [f"{what:<11} {text}" for what, text in facts(side.summary)]
    if len(rows) > 1:
        parts += ["", aligned(rows)]
    if side.summary.errors:
        parts += ["", *(f"{each.count:,} times {each.kind}: {each.example}" for each in side.summary.errors)]
    if side.notes:
        parts += ["", *side.notes]
    return "\n".join(parts)


def _throughput(one: Summary) -> str:
    parts = [f"{one.requests_per_second:,.2f} requests/s"]
    if one.output_tokens_per_second is not None:
        parts.append(f"{one.output_tokens_per_second:,.1f} output tokens/s")
    if one.input_tokens_per_second is not None:
        parts.append(f"{one.input_tokens_per_second:,.1f} input tokens/s")
    return ", ".join(parts)


def _ratios(found: Found) -> str:
    turns = min(len(side.turns) for side in found.sides)
    first, second = (side.name for side in found.sides)
    rows = [
        (f"{second} / {first}", "with 95 % interval", ""),
        *((name, *percent(ratio)) for name, ratio in found.ratios.items()),
    ]
    return f"{turns} turns of each, alternating\n{aligned(rows)}"
