"""``forebay models``: what lies in the model library of this machine, and how it gets there."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from forebay.cli.prepare import Bars
from forebay.engine import catalog, library
from forebay.engine.errors import LibraryError


@click.group()
def models() -> None:
    """Fetch, list and remove models of the embedded engine."""


@models.command()
@click.argument("name")
def pull(name: str) -> None:
    """Make NAME ready to be served.

    NAME is a known model, the path of a GGUF file, or a model of a Hugging Face hub: hf:OWNER/REPO[:FILE][@REVISION].
    """
    with _told(), Bars(name) as bars:
        folder = library.ensure(name, bars.tell)
    click.echo(folder)


@models.command("list")
def list_() -> None:
    """List the models on this machine, and those that can be pulled."""
    with _told():
        installed, unfinished = library.list_models(), library.list_unfinished()
    table = Table("NAME", "SIZE", "DATE", "SOURCE", box=None, pad_edge=False)
    for model in installed:
        day = datetime.fromtimestamp(model.made, UTC).astimezone().strftime("%Y-%m-%d")
        table.add_row(model.name, decimal(model.size), day, model.source)
    if installed:
        _console().print(table)
    for model in unfinished:
        click.echo(
            f"Not whole yet: {model.name} ({decimal(model.size)}). To go on: forebay models pull {model.name}; to give "
            f"it up: forebay models rm {model.name}"
        )
    for row in catalog.MODELS.values():
        if library.find(row.name) is None:
            click.echo(f"Not here yet: {row.description} ({row.licence}). To fetch it: forebay models pull {row.name}")


@models.command()
@click.argument("name")
def rm(name: str) -> None:
    """Remove NAME from this machine; it can be pulled again."""
    with _told():
        freed = library.remove(name)
    click.echo(f"Removed {name}: {decimal(freed)} are free again.")


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong with the library is said in one line, with status 1."""
    try:
        yield
    except LibraryError as error:
        raise click.ClickException(str(error)) from None


def _console() -> Console:
    """Standard output; where it is no terminal, lines are as long as they are, for other programs to read."""
    console = Console(markup=False, highlight=False)
    return console if console.is_terminal else Console(markup=False, highlight=False, width=10_000, soft_wrap=True)
