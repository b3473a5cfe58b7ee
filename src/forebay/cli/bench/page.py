"""The figures as one HTML file with plots, which needs nothing beside it and no network."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Final

from forebay import __version__
from forebay.cli.bench.curves import Line, cumulative, plot
from forebay.cli.bench.drive import Run
from forebay.cli.bench.plan import Found, Plan, Side
from forebay.cli.bench.samples import Sample
from forebay.cli.bench.table import HEAD, distributions, facts, milliseconds, percent

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #222 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; margin: .75rem 0 } th, td { padding: .2rem .8rem; border-bottom: 1px solid #ddd }
td { text-align: right; font-variant-numeric: tabular-nums } td:first-child, th:first-child { text-align: left }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem }
.note { background: #fff6df; padding: .4rem .8rem } .bad { background: #fde8e8; padding: .4rem .8rem }
"""
_TIMES: Final[dict[str, Callable[[Sample], Iterable[float | None]]]] = {
    "TTFT": lambda each: (each.ttft,),
    "TPOT": lambda each: (each.tpot,),
    "ITL": lambda each: each.gaps,
    "Latency": lambda each: (each.latency,),
}


def page(plan: Plan, found: Found) -> str:
    """The whole file."""
    title = " and ".join(dict.fromkeys(side.url for side in found.sides))
    parts = [f"<h1>forebay bench: {escape(title)}</h1>", f"<p>{escape(_asked(plan))}</p>"]
    if found.stopped:
        parts.append('<p class="note">Stopped before its end: these are the figures of what was done.</p>')
    for side in found.sides:
        parts += _side(side)
    if found.ratios:
        parts += _ratios(found)
    parts += ["<h2>Plots</h2>", '<div class="plots">', *_plots(found), "</div>"]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'
    )


def _asked(plan: Plan) -> str:
    load, prompts = plan.load, plan.prompts
    how = f"{load.concurrency} at once" if load.rate is None else f"{load.rate:g} requests/s, {load.arrivals}"
    what = (
        f"questions of {prompts.dataset.name}"
        if prompts.dataset
        else f"prompts of {prompts.input_tokens} tokens, {prompts.prefix_tokens} of them shared"
    )
    answers = "" if prompts.output_tokens is None else f", answers of {prompts.output_tokens}"
    streamed = "streamed" if plan.streamed else "whole"
    return f"{plan.operation}, {streamed}; {how}; {what}{answers}; seed {load.seed}; forebay {__version__}"


def _side(side: Side) -> list[str]:
    parts = [f"<h2>{escape(side.name)}: {escape(side.url)}, {escape(side.form.model)}</h2>"]
    parts.append(_table([(what, text) for what, text in facts(side.summary)]))
    rows = [
        (what, *map(milliseconds, (each.mean, each.p50, each.p90, each.p99, each.most)))
        for what, each in distributions(side.summary)
    ]
    parts.append(_table(rows, HEAD))
    parts += [
        f'<p class="bad">{each.count:,} times {escape(each.kind)}: {escape(each.example)}</p>'
        for each in side.summary.errors
    ]
    return parts + [f'<p class="note">{escape(note)}</p>' for note in side.notes]


def _ratios(found: Found) -> list[str]:
    rows = [(name, *percent(ratio)) for name, ratio in found.ratios.items()]
    first, second = (side.name for side in found.sides)
    turns = min(len(side.turns) for side in found.sides)
    said = f"Geometric mean over {turns} turns of each, with Student's t over the logarithms of each turn's ratio."
    return ["<h2>Ratios</h2>", _table(rows, (f"{second} / {first}", "with 95 % interval", "")), f"<p>{said}</p>"]


def _table(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{f'<tr>{top}</tr>' if top else ''}{body}</table>"


def _plots(found: Found) -> list[str]:
    parts = []
    for name, times in _TIMES.items():
        lines = [cumulative(side.name, [1e3 * each for each in _known(side, times)]) for side in found.sides]
        if any(line.points for line in lines):
            parts.append(plot(f"{name}: how many % are not above", "ms", "%", lines))
    parts.append(plot("Replies a second, over time", "s", "replies/s", [_over_time(side) for side in found.sides]))
    return parts


def _known(side: Side, times: Callable[[Sample], Iterable[float | None]]) -> list[float]:
    return [value for each in _good(side.runs) for value in times(each) if value is not None]


def _over_time(side: Side) -> Line:
    """How many replies ended in each second; of several turns one after the other."""
    points, start = [], 0
    for run in side.runs:
        seconds = Counter(int(each.last - run.began) for each in _good([run]))
        count = int(run.ended - run.began) + 1
        points += [(start + second + 0.5, float(seconds[second])) for second in range(count)]
        start += count
    return Line(side.name, points)


def _good(runs: Iterable[Run]) -> list[Sample]:
    return [each for run in runs for each in run.samples if each.failure is None]
