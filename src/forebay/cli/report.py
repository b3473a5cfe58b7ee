"""``forebay report``: what a week was like, for people who do not run the server."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TextIO

import click
import msgspec

from forebay.accounts import build_store
from forebay.cli.keys import config_option
from forebay.core.errors import ForebayError
from forebay.core.feedback import Feedback, FeedbackQuery
from forebay.core.ledger import UsageQuery, latest_rows
from forebay.core.store import Store
from forebay.core.types import Record
from forebay.generation import check_store
from forebay.plugins import PreparationError
from forebay.reporting.figures import Report
from forebay.reporting.figures import report as figures
from forebay.reporting.writing import html, text
from forebay.settings import SettingsError, load_file

PAGE: Final = 100
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
    try:
        settings = load_file(config, os.environ)
        check_store(settings)
        store = build_store(settings.store)
        if store is None:
            raise click.ClickException("the configuration has no 'store', so nothing is known")
        rows, said = asyncio.run(_read(store, tenant, (begin - timedelta(days=days)).timestamp(), end.timestamp()))
    except (SettingsError, PreparationError, ForebayError) as error:
        raise click.ClickException(str(error)) from None
    output.write(FORMS[form](figures(rows, said, begin.timestamp(), end.timestamp())))


async def _read(
    store: Store, tenant: str | None, since: float, until: float
) -> tuple[Sequence[Record], Sequence[Feedback]]:
    try:
        rows = await latest_rows(store.usage, UsageQuery(tenant=tenant, since=since, until=until))
        return rows, await _said(store, tenant, since)
    finally:
        await store.close()


async def _said(store: Store, tenant: str | None, since: float) -> Sequence[Feedback]:
    found: list[Feedback] = []
    query = FeedbackQuery(tenant=tenant)
    while page := await store.feedback.list(query, PAGE):
        found += [each for each in page if each.created >= since]
        if page[-1].created < since:
            break
        query = msgspec.structs.replace(query, after=page[-1].id)
    return found
