"""``forebay report``: what a week was like, for people who do not run the server."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TextIO

import click
import msgspec

from forebay.cli.keys import config_option
from forebay.cli.opened import opened
from forebay.reporting.figures import Report
from forebay.reporting.reading import read
from forebay.reporting.writing import html, text

FORMS: Final[Mapping[str, Callable[[Report], str]]] = {
    "html": html,
    "text": text,
    "json": lambda found: msgspec.json.format(msgspec.json.encode(found)).decode() + "\n",
}


@click.command()
@config_option
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The day after the last one.  [default: today]")
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="How many.")
@click.option("--tenant", help="Only of this tenant.")
@click.option("--format", "form", type=click.Choice([*FORMS]), default="text", show_default=True, help="How to tell.")
@click.option(
    "--output", type=click.File("w", encoding="utf-8"), default="-", help="Where.  [default: standard output]"
)
def report(  # noqa: PLR0913, PLR0917  # its options
    config: Path, until: datetime | None, days: int, tenant: str | None, form: str, output: TextIO
) -> None:
    """Tell what a week was like: use, cost, quality, incidents."""
    end = (until or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    begin = end - timedelta(days=days)
    found = asyncio.run(_read(config, tenant, begin.timestamp(), end.timestamp()))
    output.write(FORMS[form](found))


async def _read(config: Path, tenant: str | None, since: float, until: float) -> Report:
    async with opened(config) as (store, _):
        return await read(store, tenant, since, until)
