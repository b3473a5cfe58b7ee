"""``forebay feedback``: what people thought of answers, as a dataset."""

import asyncio
from pathlib import Path
from typing import IO

import click
import msgspec

from forebay.cli.keys import config_option
from forebay.cli.opened import opened
from forebay.core.feedback import FeedbackQuery, Rating
from forebay.evaluation.exporting import examples


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
    asyncio.run(_export(config, FeedbackQuery(tenant=tenant, rating=rating), output))


async def _export(config: Path, query: FeedbackQuery, output: IO[bytes]) -> None:
    async with opened(config) as (store, _):
        async for example in examples(store, query):
            output.write(msgspec.json.encode(example) + b"\n")
