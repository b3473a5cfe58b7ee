"""``forebay prompts``: brings files into the store, lists and shows prompts, moves labels, lints, compares."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import click
import msgspec

from forebay.accounts import build_store
from forebay.cli.keys import config_option, who
from forebay.core.errors import ForebayError
from forebay.core.prompts import Collection, Prompt
from forebay.core.store import Store
from forebay.core.types import Principal
from forebay.gateway.prompts.comparing import difference, written
from forebay.gateway.prompts.editing import Editor
from forebay.gateway.prompts.files import Filed, read_file, read_folder
from forebay.gateway.prompts.lint import findings, tokens
from forebay.gateway.prompts.shelf import Shelf
from forebay.gateway.prompts.variables import FaultyPromptError
from forebay.generation import check_store
from forebay.plugins import PreparationError
from forebay.prompting import configured
from forebay.settings import PromptSettings, SettingsError, load_file

T = TypeVar("T")

MOST_WEIGHT: Final = 1e6
NO_STORE: Final = "the configuration has no 'store' to keep prompts in; those of 'prompts.folder' need none"
tenant_option = click.option("--tenant", default="default", help="Whose prompts.  [default: default]")
paths_argument = click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))


class Desk(msgspec.Struct, frozen=True):
    """The prompts of a configuration, and what changes them, if anything can."""

    shelf: Shelf
    editor: Editor | None
    by: Principal

    def changing(self) -> Editor:
        """What changes them.

        Raises:
            ClickException: nothing does.
        """
        if self.editor is None:
            raise click.ClickException(NO_STORE)
        return self.editor


@click.group()
def prompts() -> None:
    """Keep prompts in versions: push, list, label, lint, compare."""


@prompts.command()
@paths_argument
@config_option
@tenant_option
def push(paths: tuple[Path, ...], config: Path, tenant: str) -> None:
    """Bring the prompts in PATHS (files and folders) into the store; what is there already is not there twice."""
    files = [file for path in paths for file in _read(path)]

    async def work(desk: Desk) -> list[str]:
        editor, names = desk.changing(), []
        labels: dict[tuple[str, str], dict[int, float]] = {}
        for file in sorted(files, key=lambda each: (each.prompt.draft.id, each.prompt.version)):
            prompt = await editor.add(file.prompt.draft, desk.by)
            names.append(prompt.name)
            for name, weight in file.labels.items():
                labels.setdefault((prompt.draft.id, name), {})[prompt.version] = weight
        for (identity, name), shares in labels.items():
            await editor.label(identity, name, shares, desk.by)
        return names

    for name in _done(config, tenant, work):
        click.echo(name)


@prompts.command(name="list")
@config_option
@tenant_option
def listing(config: Path, tenant: str) -> None:
    """List all prompts with their versions and labels."""

    async def work(desk: Desk) -> list[str]:
        return [_line(desk.shelf, tenant, identity) for identity in desk.shelf.ids(tenant)]

    for line in _done(config, tenant, work):
        click.echo(line)


@prompts.command()
@click.argument("identity", metavar="ID")
@click.argument("version", default="")
@config_option
@tenant_option
def show(identity: str, version: str, config: Path, tenant: str) -> None:
    """Show the prompt ID: a VERSION or label of it, by default what a request gets that names none."""
    click.echo(written(_one(config, tenant, identity, version).draft), nl=False)


@prompts.command()
@click.argument("identity", metavar="ID")
@click.argument("name", metavar="LABEL")
@click.argument("versions", nargs=-1)
@config_option
@tenant_option
def label(identity: str, name: str, versions: tuple[str, ...], config: Path, tenant: str) -> None:
    """Let LABEL stand for VERSIONS of the prompt ID: "3", or "3=90 4=10" with weights; for none, it is taken away."""
    shares = dict(map(_share, versions))

    async def work(desk: Desk) -> None:
        await desk.changing().label(identity, name, shares, desk.by)

    _done(config, tenant, work)
    click.echo(f"{identity}: {name} is {', '.join(versions) or 'gone'}")


@prompts.command()
@paths_argument
@click.option("--budget", type=click.IntRange(1), default=PromptSettings().budget, help="Tokens that one may have.")
def lint(paths: tuple[Path, ...], budget: int) -> None:
    """Tell what is doubtful in the prompts of PATHS (files and folders); status 1 if anything is."""
    doubtful = False
    for file in (file for path in paths for file in _read(path)):
        for finding in findings(file.prompt.draft, budget):
            doubtful = True
            click.echo(f"{file.path}: {finding.rule}: {finding.message}")
        click.echo(f"{file.path}: {file.prompt.name}: about {tokens(file.prompt.draft)} tokens", err=True)
    if doubtful:
        raise click.exceptions.Exit(1)


@prompts.command()
@click.argument("identity", metavar="ID")
@click.argument("before")
@click.argument("after")
@config_option
@tenant_option
def diff(identity: str, before: str, after: str, config: Path, tenant: str) -> None:
    """Tell what changed in the prompt ID from BEFORE to AFTER (versions or labels); status 1 if anything did."""
    found = difference(*(_one(config, tenant, identity, version) for version in (before, after)))
    click.echo(found, nl=False)
    if found:
        raise click.exceptions.Exit(1)


def _one(config: Path, tenant: str, identity: str, version: str) -> Prompt:
    async def work(desk: Desk) -> Prompt:
        return desk.shelf.choose(tenant, identity, version, "")

    return _done(config, tenant, work)


def _read(path: Path) -> list[Filed]:
    try:
        return list(read_folder(path)) if path.is_dir() else [read_file(path)]
    except FaultyPromptError as error:
        raise click.ClickException(str(error)) from None


def _done(config: Path, tenant: str, work: Callable[[Desk], Awaitable[T]]) -> T:
    try:
        settings = load_file(config, os.environ)
        check_store(settings)
        store = build_store(settings.store)
        return asyncio.run(_at_desk(configured(settings.prompts) or Collection(), store, tenant, work))
    except (SettingsError, PreparationError, ForebayError) as error:
        raise click.ClickException(str(error)) from None


async def _at_desk(files: Collection, store: Store | None, tenant: str, work: Callable[[Desk], Awaitable[T]]) -> T:
    by = msgspec.structs.replace(who(), tenant=tenant)
    if store is None:
        return await work(Desk(Shelf(files), None, by))
    try:
        shelf = Shelf(await store.prompts.all(), files)
        return await work(Desk(shelf, Editor(store.prompts, store.admin_log, lambda: shelf), by))
    finally:
        await store.close()


def _line(shelf: Shelf, tenant: str, identity: str) -> str:
    versions = ", ".join(str(each.version) for each in shelf.versions(tenant, identity))
    labels = "; ".join(f"{name}: {_weights(shares)}" for name, shares in shelf.labels(tenant, identity).items())
    return f"{identity}  versions {versions}{f'  ({labels})' if labels else ''}"


def _weights(shares: Mapping[int, float]) -> str:
    if len(shares) == 1:
        return str(*shares)
    return ", ".join(f"{version}={weight:g}" for version, weight in shares.items())


def _share(text: str) -> tuple[int, float]:
    version, _, weight = text.partition("=")
    try:
        found = int(version), float(weight or 1)
    except ValueError:
        raise click.BadParameter(f"'{text}' is no version; write 3, or 3=90 with a weight") from None
    if found[0] < 1 or not 0 < found[1] <= MOST_WEIGHT:
        raise click.BadParameter("versions and weights are more than 0")
    return found
