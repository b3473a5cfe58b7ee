"""``forebay import``: another system's configuration as Forebay's."""

import sys
from pathlib import Path

import click

from forebay.migrate.litellm import Imported, imported
from forebay.migrate.reading import ForeignError
from forebay.settings.document import MAX_BYTES


@click.group(name="import")
def importing() -> None:
    """Turn another system's configuration into Forebay's."""


@importing.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write; it may not exist yet.")
def litellm(file: Path, output: Path | None) -> None:
    """Turn FILE, a configuration of LiteLLM's proxy, into Forebay's, and tell what is not carried over.

    The status is 1 where an entry of its 'model_list' is not in the new file at all.
    """
    found = _imported(file)
    if output is None:
        click.echo(found.text, nl=False)
    else:
        _write(output, found.text)
    _tell(found, output)
    if found.left_out:
        raise click.ClickException(f"left out of the new file, for the reasons above: {', '.join(found.left_out)}")


def _imported(file: Path) -> Imported:
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_BYTES + 1).decode("utf-8-sig")
        return imported(text, file.name)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise click.ClickException(f"{file} is not in UTF-8") from None
    except ForeignError as error:
        raise click.ClickException(f"{file} {error}") from None


def _write(output: Path, text: str) -> None:
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(f"{output} exists already: name another file, or remove it") from None
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror or error}") from None


def _tell(found: Imported, output: Path | None) -> None:
    """On standard error, because the file may go to standard output."""
    say = sys.stderr.write
    if found.notes:
        say("Not carried over as it was:\n")
        for note in found.notes:
            say(f"  {note}\n")
    if found.variables:
        say("Variables that the new file reads; set them in Forebay's environment:\n")
        for name in found.variables:
            held = f"  (its value stands at {found.secrets[name]})" if name in found.secrets else ""
            say(f"  {name}{held}\n")
    if output is not None:
        say(f"Written: {output}. Next: forebay config check {output}\n")
