"""``forebay bench --second-request``: the same question twice, with each kind of cache."""

import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from forebay.cli.bench.second.bars import Bar, svg
from forebay.cli.bench.second.measure import Measured, measure
from forebay.cli.bench.second.server import NotServedError, serving
from forebay.cli.bench.second.stores import Case, cases
from forebay.cli.prepare import prepare
from forebay.cli.source import Source
from forebay.defaults import defaults
from forebay.plugins import PreparationError, UnknownKindError
from forebay.settings import Settings, SettingsError

TITLE: Final = "The same question for the second time"


def second_requests(config: Path | None, model: str | None, requests: int, redis: str) -> list[Measured]:
    """Measure each kind of cache on a server of its own, and tell.

    Raises:
        click.ClickException: a server cannot be started or asked.
    """
    logging.getLogger("forebay.cache").setLevel(logging.ERROR)  # a store that is not there is told by its row
    try:
        settings = Source(config).read() if config else defaults(os.environ)
        prepare(settings)
        return _all_stores(settings, model, requests, redis)
    except (SettingsError, UnknownKindError, PreparationError, NotServedError, OSError) as error:
        raise click.ClickException(str(error)) from None


def plot(found: Sequence[Measured]) -> str:
    """Bars for each store, as the text of an SVG file."""
    return svg(TITLE, [Bar(each.store, each.first.p50, each.second.p50) for each in found])


def _all_stores(settings: Settings, model: str | None, requests: int, redis: str) -> list[Measured]:
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
