"""Splits settings in two when several workers serve one host: what each worker does, and what the host holds once.

The host's part, a model in memory, runs in a process of its own, and the workers ask it like any OpenAI-shaped
upstream, over a Unix socket.
"""

import hashlib
from pathlib import Path

import msgspec

from forebay.plugins import PROVIDERS
from forebay.settings import (
    AuthSettings,
    DeploymentSettings,
    ModelSettings,
    PriceSettings,
    RetrySettings,
    Section,
    Settings,
    section,
)


def once_per_host(settings: Settings) -> frozenset[str]:
    """Names of the providers of which a host holds only one."""
    return frozenset(name for name, each in settings.providers.items() if PROVIDERS.plugin(each.kind).per_host)


def workers_part(settings: Settings, socket: Path) -> Settings:
    """``settings`` for the workers: a model of the host's part is asked under its own name, at ``socket``."""
    shared = once_per_host(settings)
    upstream = {name: section("hosted", _upstream(settings.providers[name], socket)) for name in shared}
    models = {
        name: msgspec.structs.replace(
            model,
            deployments=tuple(_asked(name, each) if each.provider in shared else each for each in model.deployments),
        )
        for name, model in settings.models.items()
    }
    prices = {**settings.prices, **_renamed(settings, shared)}
    return msgspec.structs.replace(settings, providers={**settings.providers, **upstream}, models=models, prices=prices)


def host_part(settings: Settings) -> Settings:
    """``settings`` for the process that holds what a host holds once; only the workers can reach it, and they route."""
    shared = once_per_host(settings)
    models = {
        name: ModelSettings(found, retries=RetrySettings(max=0))
        for name, model in settings.models.items()
        if (found := tuple(each for each in model.deployments if each.provider in shared))
    }
    return msgspec.structs.replace(
        settings,
        server=msgspec.structs.replace(settings.server, workers=1, keep_alive=3600.0),
        auth=AuthSettings(),
        providers={name: settings.providers[name] for name in shared},
        prices={},
        cache=None,
        models=models,
        store=None,
        log=msgspec.structs.replace(settings.log, requests=False),
    )


def _upstream(section: Section, socket: Path) -> dict[str, object]:
    """What a worker has to know of a provider of the host's."""
    known: dict[str, object] = {"socket": str(socket.absolute()), "stands_for": _said(section)}
    said = section.plain()
    return known | {"watermark": said["watermark"]} if isinstance(said, dict) and "watermark" in said else known


def _said(section: Section) -> str:
    """A digest of what a section says, wherever it stands."""
    return hashlib.sha256(repr((section.kind, section.plain())).encode()).hexdigest()


def _renamed(settings: Settings, shared: frozenset[str]) -> dict[str, PriceSettings]:
    """The prices of the host's part under the names by which the workers ask for it."""
    return {
        f"{each.provider}/{name}": price
        for name, model in settings.models.items()
        for each in model.deployments
        if each.provider in shared and (price := settings.prices.get(f"{each.provider}/{each.model or name}"))
    }


def _asked(name: str, deployment: DeploymentSettings) -> DeploymentSettings:
    return msgspec.structs.replace(deployment, model=name)
