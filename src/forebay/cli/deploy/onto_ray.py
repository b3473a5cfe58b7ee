"""``forebay deploy ray``: checks a configuration here, hands it to the cluster, and says where it is served."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from forebay.cli.source import is_open
from forebay.generation import check
from forebay.rayserve.cluster import NoClusterError, RefusedError, deploy
from forebay.rayserve.parts import Source
from forebay.roles import ALL, check_role
from forebay.settings import Problem, Settings, SettingsError
from forebay.settings.load import file_text

_OPEN: Final = "are missing: everybody who can reach the cluster's nodes could use the models"
_ROLE: Final = "must be 'all': on Ray, gateways and engines are replicas of one configuration"


def onto_ray(config: Path, address: str, seconds: float) -> None:
    """Serve what ``config`` says on the cluster at ``address``, if it does within so many ``seconds``."""
    try:
        source = Source(file_text(config), str(config))
        settings = source.read()
        _check(settings, source.name)
        for each in _of_one_machine(settings):
            click.echo(f"Note: {each}", err=True)
        deploy(source, settings, address, _say, seconds)
    except (SettingsError, NoClusterError, RefusedError, OSError) as error:
        raise click.ClickException(str(error)) from None
    server = settings.server
    sys.stdout.write(f"Forebay is served by every node of the cluster at http://{server.host}:{server.port}/v1\n")


def _say(what: str) -> None:
    click.echo(what, err=True)


def _check(settings: Settings, name: str) -> None:
    check_role(settings)
    check(settings)
    problems = []
    if settings.server.role != ALL:
        problems.append(Problem(0, "server.role", _ROLE))
    if not settings.models:
        problems.append(Problem(0, "models", "are missing"))
    if is_open(settings):
        problems.append(Problem(0, "auth.keys", _OPEN))
    if problems:
        raise SettingsError(name, problems)


def _of_one_machine(settings: Settings) -> Iterator[str]:
    """What replicas on several machines would each have for themselves."""
    if settings.store is not None and "sqlite" in settings.store.url.reveal():
        yield "'store' is a file: each node would keep its own. Use PostgreSQL."
    if settings.cache is not None and settings.cache.store.kind != "redis":
        yield f"'cache' is of the kind '{settings.cache.store.kind}': each replica would keep its own. Use redis."
