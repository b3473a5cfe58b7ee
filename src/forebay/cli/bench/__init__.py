"""``forebay bench``: measures this machine with the models that it would serve."""

import logging
import os
import sys
import tempfile
from pathlib import Path

import click
import msgspec

from forebay.cli.bench.bars import Bar, svg
from forebay.cli.bench.second import Measured, measure
from forebay.cli.bench.server import NotServedError, serving
from forebay.cli.bench.stores import Case, cases
from forebay.cli.prepare import prepare
from forebay.cli.source import Source
from forebay.defaults import defaults
from forebay.plugins import PreparationError, UnknownKindError
from forebay.settings import Settings, SettingsError

TITLE = "The same question for the second time"


@click.command()
@click.option("--second-request", is_flag=True, help="The same question twice, with each kind of cache.")
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Configuration file.")
@click.option("--model", help="Model to ask.  [default: the first]")
@click.option("--requests", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Questions.")
@click.option("--redis", default="redis://127.0.0.1:6379/0", show_default=True, help="A Redis, if it can be reached.")
@click.option("--json", "into", type=click.Path(dir_okay=False, path_type=Path), help="File for the figures.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="SVG file for a plot.")
def bench(  # noqa: PLR0913, PLR0917  # one an option
    second_request: bool,  # noqa: FBT001  # click's
    config: Path | None,
    model: str | None,
    requests: int,
    redis: str,
    into: Path | None,
    plot: Path | None,
) -> None:
    """Measure latencies with the models that would be served."""
    if not second_request:
        raise click.UsageError("Say what to measure: --second-request.")
    logging.getLogger("forebay.cache").setLevel(logging.ERROR)  # a store that is not there is told by its row
    try:
        settings = Source(config).read() if config else defaults(os.environ)
        prepare(settings)
        found = _second(settings, model, requests, redis)
    except (SettingsError, UnknownKindError, PreparationError, NotServedError, OSError) as error:
        raise click.ClickException(str(error)) from None
    if into is not None:
        into.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    if plot is not None:
        bars = [Bar(each.store, each.first.p50, each.second.p50) for each in found]
        plot.write_text(svg(TITLE, bars), encoding="utf-8")


def _second(settings: Settings, model: str | None, requests: int, redis: str) -> list[Measured]:
    """Measure each kind of cache on a server of its own, and tell."""
    asked = model or next((name for name in settings.models if not name.endswith("/*")), None)
    if asked is None:
        raise click.UsageError("Say which model to ask: --model.")
    with tempfile.TemporaryDirectory(prefix="forebay-bench-") as folder:
        return [each for case in cases(settings, redis, Path(folder)) for each in _measured(case, asked, requests)]


def _measured(case: Case, model: str, requests: int) -> list[Measured]:
    if isinstance(case.settings, str):
        click.echo(f"{case.store:10} {case.settings}")
        return []
    with serving(case.settings) as address:
        found = measure(address, case.store, model, requests, reworded=case.reworded)
    click.echo(found.line())
    sys.stdout.flush()
    return [found]
