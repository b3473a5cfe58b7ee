"""``forebay config``: whether a configuration file can be used, and what it says."""

import os
from collections.abc import Iterator
from pathlib import Path

import click

from forebay import generation
from forebay.settings import Settings, SettingsError, load_file

DEFAULT_FILE = "forebay.yaml"


@click.group()
def config() -> None:
    """Check a configuration file."""


@config.command()
@click.argument("file", type=click.Path(path_type=Path), default=DEFAULT_FILE)
def check(file: Path) -> None:
    """Tell everything that is wrong with FILE (forebay.yaml), or what it says if nothing is."""
    try:
        settings = _checked(file)
    except SettingsError as error:
        click.echo(str(error))
        raise click.exceptions.Exit(1) from None
    click.echo(f"{file}: OK")
    for title, lines in _summary(settings):
        for number, line in enumerate(lines):
            click.echo(f"  {'' if number else title:<10} {line}")


def _checked(file: Path) -> Settings:
    settings = load_file(file, os.environ)
    generation.check(settings)
    return settings


def _summary(settings: Settings) -> Iterator[tuple[str, list[str]]]:
    server, keys = settings.server, settings.auth.keys
    yield "address", [f"{'https' if server.tls else 'http'}://{server.host}:{server.port}/v1"]
    yield "keys", [f"{key.name} ({key.tenant})" for key in keys] or ["none: everybody may ask"]
    yield "providers", [f"{name} ({section.kind})" for name, section in settings.providers.items()] or ["none"]
    yield (
        "models",
        [
            f"{name} → {', '.join(f'{each.provider}: {each.model}' for each in model.deployments)}"
            for name, model in settings.models.items()
        ]
        or ["none"],
    )
