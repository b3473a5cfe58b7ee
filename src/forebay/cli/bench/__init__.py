"""``forebay bench``: measures any OpenAI-compatible server, or this machine's own with each kind of cache.

Options ─► Plan ─► measure ─► Found ─┬─► table (terminal)
                     │               ├─► document (JSON)
                     │               └─► page (HTML) ─► curves (SVG)
     probe (what the server can be told, how it counts)
     synthetic, dataset ─► bodies ─► drive (schedule) ─► target ─► reading ─► samples ─► summary (statistics, slo)

What is measured of a single request, and when the clock is read, stands in `samples` and `reading`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from forebay.cli.bench.slo import NAMES
from forebay.cli.bench.statistics import MOST_TURNS

INTERRUPTED: Final = 130
SECOND_REQUESTS: Final = 20
_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_EXISTING: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_SOME: Final = click.IntRange(1, 10_000_000)
_POSITIVE: Final = click.FloatRange(0, 1e6, min_open=True)

_OPTIONS: Final = (
    click.argument("url", required=False),
    click.option("--model", help="Model to ask.  [default: the server's first]"),
    click.option("--endpoint", type=click.Choice(["chat", "completions", "embeddings"]), default="chat"),
    click.option("--stream/--no-stream", default=True, help="Streamed answers, or whole ones.  [default: streamed]"),
    click.option("--concurrency", type=click.IntRange(1, 20_000), help="Requests at once.  [default: 8]"),
    click.option("--rate", type=_POSITIVE, help="Requests a second, whatever the server does: an open loop."),
    click.option("--arrivals", type=click.Choice(["poisson", "constant"]), default="poisson", help="With --rate."),
    click.option("--requests", type=_SOME, help="How many.  [default: 100]"),
    click.option("--duration", type=_POSITIVE, help="How long to send requests, in seconds."),
    click.option("--warm-up", type=click.IntRange(0), help="Requests before those that count."),
    click.option("--dataset", type=_EXISTING, help="File of questions: JSON lines, prompts, or ShareGPT's form."),
    click.option("--input-tokens", type=_SOME, default=128, show_default=True, help="Of each synthetic prompt."),
    click.option("--output-tokens", type=_SOME, help="Of each answer.  [default: 64]"),
    click.option("--prefix-tokens", type=click.IntRange(0), default=0, help="With which all prompts begin alike."),
    click.option("--seed", type=int, default=0, show_default=True, help="Other prompts and times for another number."),
    click.option("--slo", help=f"What a good request keeps, such as {NAMES[0]}=500ms,{NAMES[1]}=50ms."),
    click.option("--fail-under", type=click.FloatRange(0, 100), help="Status 1 if fewer % of the requests keep --slo."),
    click.option("--compare", metavar="URL", help="A second server, asked in turns with the first."),
    click.option("--compare-model", help="Model to ask there.  [default: as --model]"),
    click.option("--second-request", is_flag=True, help="The same again; without a URL with each kind of cache."),
    click.option("--turns", type=click.IntRange(2, MOST_TURNS), default=5, show_default=True, help="Of each side."),
    click.option(
        "--header", "headers", multiple=True, help="'NAME: VALUE', where ${VAR} is read from the environment."
    ),
    click.option("--key", envvar="FOREBAY_API_KEY", help="API key; better kept in the environment as FOREBAY_API_KEY."),
    click.option("--timeout", type=_POSITIVE, default=600, show_default=True, help="Seconds for one answer."),
    click.option("--json", "into", type=_FILE, help="File for the figures."),
    click.option("--html", type=_FILE, help="File for a report with plots."),
    click.option("--config", type=_EXISTING, help="--second-request without a URL: configuration file."),
    click.option("--redis", default="redis://127.0.0.1:6379/0", help="The same: a Redis, if it can be reached."),
    click.option("--plot", type=_FILE, help="The same: SVG file for a plot."),
)


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_with_options
def bench(  # noqa: PLR0913, PLR0917  # what is used here; the rest is for Options
    url: str | None,
    into: Path | None,
    html: Path | None,
    fail_under: float | None,
    config: Path | None,
    redis: str,
    plot: Path | None,
    **options: Any,  # noqa: ANN401  # click's
) -> None:
    """Measure TTFT, TPOT, latency and throughput of a server.

    \b
    forebay bench http://127.0.0.1:8080 --concurrency 32 --requests 500
    forebay bench http://127.0.0.1:8080 --rate 10 --duration 60 --slo ttft=500ms,tpot=50ms
    forebay bench http://127.0.0.1:8080 --compare http://127.0.0.1:8000 --html report.html
    """  # noqa: D301  # the backspace is click's
    _have_folders(into, html, plot)
    if url is not None:
        _server({"url": url, **options}, into, html, fail_under)
    elif options["second_request"]:
        _stores(config, options["model"], options["requests"] or SECOND_REQUESTS, redis, into, plot)
    else:
        raise click.UsageError("Say what to measure: a server's URL, or --second-request.")


def _have_folders(*files: Path | None) -> None:
    """What cannot be written is told before the measurement, not after it."""
    for file in files:
        if file is not None and not file.parent.is_dir():
            raise click.UsageError(f"There is no folder '{file.parent}' for '{file.name}'.")


def _server(options: dict[str, Any], into: Path | None, html: Path | None, fail_under: float | None) -> None:
    # All this takes a moment to import, which --help should not.
    from forebay.cli.bench.document import document  # noqa: PLC0415
    from forebay.cli.bench.failures import BenchError  # noqa: PLC0415
    from forebay.cli.bench.loop import run  # noqa: PLC0415
    from forebay.cli.bench.measure import measure  # noqa: PLC0415
    from forebay.cli.bench.options import Options  # noqa: PLC0415
    from forebay.cli.bench.page import page  # noqa: PLC0415
    from forebay.cli.bench.progress import shown  # noqa: PLC0415
    from forebay.cli.bench.table import table  # noqa: PLC0415
    from forebay.cli.chat.text import clean  # noqa: PLC0415

    plan = Options(**options).plan()
    if fail_under is not None and plan.slo is None:
        raise click.UsageError("--fail-under needs --slo.")
    try:
        found = run(measure(plan, shown))
        click.echo(clean(table(found)))
        if into is not None:
            into.write_bytes(document(plan, found))
        if html is not None:
            html.write_text(page(plan, found), encoding="utf-8")
    except (BenchError, OSError) as error:
        raise click.ClickException(str(error)) from None
    if found.stopped:
        raise click.exceptions.Exit(INTERRUPTED)
    for side in found.sides:
        good = side.summary.goodput
        too_few = fail_under is not None and good is not None and good.share * 100 < fail_under
        if too_few or not side.summary.completed or any(run.gone for run in side.runs):
            raise click.exceptions.Exit(1)


def _stores(  # noqa: PLR0913, PLR0917  # one an option
    config: Path | None, model: str | None, requests: int, redis: str, into: Path | None, plot: Path | None
) -> None:
    from forebay.cli.bench.second import plot as drawn  # noqa: PLC0415  # it needs all of the server
    from forebay.cli.bench.second import second_requests  # noqa: PLC0415

    found = second_requests(config, model, requests, redis)
    if into is not None:
        into.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    if plot is not None:
        plot.write_text(drawn(found), encoding="utf-8")
