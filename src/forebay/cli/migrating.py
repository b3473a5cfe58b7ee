"""``forebay store``: what is done to a store on purpose, before the servers of a new version start."""

import asyncio
import os
from pathlib import Path

import click

from forebay.accounts import build_store
from forebay.core.errors import ForebayError, UnavailableError
from forebay.core.store import Store
from forebay.generation import check_store
from forebay.plugins import PreparationError
from forebay.settings import SettingsError, StoreSettings, load_file
from forebay.settings.values import duration

NO_STORE = "the configuration has no store: add 'store' with the URL of a database"
AGAIN_SECONDS = 0.5


@click.group()
def store() -> None:
    """Bring the store's schema up to date."""


@store.command()
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("forebay.yaml"),
    help="Configuration file.  [default: forebay.yaml]",
)
@click.option("--wait", default="60s", help="How long a database that is away is waited for.  [default: 60s]")
def migrate(config: Path, wait: str) -> None:
    """Make the tables of the store, or bring those of an earlier version up to date.

    A server does the same when it first reaches its database. Several at once wait for each other, and a change is made
    as a whole or not at all.
    """
    patience = duration(wait)
    if patience is None:
        raise click.BadParameter("expected a duration, such as 60s", param_hint="--wait")
    try:
        settings = load_file(config, os.environ)
        check_store(settings)
        if settings.store is None:
            raise click.ClickException(NO_STORE)
        asyncio.run(_migrate(settings.store, patience))
    except (SettingsError, PreparationError, ForebayError) as error:
        raise click.ClickException(str(error)) from None
    click.echo("the store is up to date")


async def _migrate(settings: StoreSettings, patience: float) -> None:
    built = build_store(settings)
    assert built is not None  # noqa: S101  # there are settings
    try:
        await _until_done(built, asyncio.get_running_loop().time() + patience)
    finally:
        await built.close()


async def _until_done(built: Store, deadline: float) -> None:
    """Try until ``deadline``, a time of the event loop: a database may start beside us."""
    told = ""
    while True:
        try:
            return await built.migrate()
        except UnavailableError as error:
            if asyncio.get_running_loop().time() + AGAIN_SECONDS > deadline:
                raise
            if str(error) != told:
                told = str(error)
                click.echo(f"{told} Waiting for it.", err=True)
            await asyncio.sleep(AGAIN_SECONDS)
