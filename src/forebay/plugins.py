"""Finds parts by name: every built-in provider is registered by the same entry points as a third party's.

A package adds a provider kind with

    [project.entry-points."forebay.providers"]
    mykind = "my_package.module:plugin"

where ``plugin`` is a `ProviderPlugin`. Nothing is imported until a configuration names the kind.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec

from forebay.core.ports import Provider

PROVIDERS = "forebay.providers"


Progress = Callable[[str, int, int], None]


class ProviderPlugin(msgspec.Struct, frozen=True):
    """A kind of provider: the settings it reads and how it is built from its name and those settings.

    ``prepare`` does, once and before the server listens, what takes long (fetching and converting a model); it blocks
    and tells its progress as (stage, done, total). ``per_host`` marks a kind of which one instance serves all worker
    processes of a host, because each would hold a model in memory.
    """

    settings: type[msgspec.Struct]
    build: Callable[[str, Any], Provider]
    prepare: Callable[[Any, Progress], None] | None = None
    per_host: bool = False


class PreparationError(Exception):
    """What a provider needs cannot be had; the message says why, and what to do."""


class UnknownKindError(LookupError):
    """No plug-in of that kind is installed."""


def provider_kinds() -> Mapping[str, EntryPoint]:
    """All installed provider kinds by name; the first of two packages with the same name wins."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=PROVIDERS):
        found.setdefault(entry.name, entry)
    return found


def provider_plugin(kind: str) -> ProviderPlugin:
    """The plug-in of ``kind``.

    Raises:
        UnknownKindError: none is installed; the message lists those that are.
        ImportError: it is installed, but something it needs is not.
    """
    kinds = provider_kinds()
    if kind not in kinds:
        raise UnknownKindError(f"unknown provider kind '{kind}'; installed are: {', '.join(sorted(kinds))}")
    plugin: ProviderPlugin = kinds[kind].load()
    return plugin
