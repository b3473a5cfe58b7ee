"""``forebay feedback``: what people thought of answers, as a dataset."""

import asyncio
import os
from pathlib import Path
from typing import IO

import click
import msgspec

from forebay.accounts import build_store
from forebay.cli.keys import config_option
from forebay.core.errors import ForebayError
from forebay.core.feedback import FeedbackQuery, Rating
from forebay.core.store import Store
from forebay.evaluation.exporting import examples
from forebay.generation import check_store
from forebay.plugins import PreparationError
from forebay.settings import SettingsError, load_file


@click.group()
def feedback() -> None:
    """Export what people thought of answers."""


@feedback.command()
@config_option
@click.option("--tenant", help="Only that of this tenant.")
@click.option("--rating", type=click.Choice(["up", "down"]), help="Only such.")
@click.option("--output", type=click.File("wb"), default="-", help="Where to write.  [default: standard output]")
def export(config: Path, tenant: str | None, rating: Rating | None, output: IO[bytes]) -> None:
    """Write feedback as a dataset: a JSON object a line, the latest first."""
    try:
        settings = load_file(config, os.environ)
        check_store(settings)
        store = build_store(settings.store)
        if store is None:
            raise click.ClickException("the configuration has no 'store', so no feedback is kept")
        asyncio.run(_export(store, FeedbackQuery(tenant=tenant, rating=rating), output))
    except (SettingsError, PreparationError, ForebayError) as error:
        raise click.ClickException(str(error)) from None


async def _export(store: Store, query: FeedbackQuery, output: IO[bytes]) -> None:
    try:
        async for example in examples(store, query):
            output.write(msgspec.json.encode(example) + b"\n")
    finally:
        await store.close()
