"""Reads the configuration in a replica, and takes its part of it, as workers and their host do."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from forebay.defaults import with_key
from forebay.plugins import PROVIDERS
from forebay.settings import Settings, load
from forebay.split import host_part, once_per_host, workers_part


class Source(msgspec.Struct, frozen=True):
    """A configuration as it was written, and the name of its file, for messages.

    Its ``${…}`` are filled in where it is read, so that secrets stay in the environments of the nodes.
    """

    text: str
    name: str

    def read(self, environ: Mapping[str, str] = os.environ) -> Settings:
        """What it says.

        Raises:
            SettingsError: it cannot be used.
        """
        return with_key(load(self.text, source=self.name, environ=environ), environ)


def has_engines(settings: Settings) -> bool:
    """Whether anything of it belongs into engine replicas."""
    return bool(once_per_host(settings))


def engine_part(source: Source) -> Settings:
    """What an engine replica serves; its models have been fetched and converted. It may take minutes.

    Raises:
        SettingsError: the configuration cannot be used.
        PreparationError: a model cannot be had.
    """
    settings = host_part(source.read())
    for section in settings.providers.values():
        plugin = PROVIDERS.plugin(section.kind)
        if plugin.prepare is not None:
            plugin.prepare(section.read(plugin.settings), _silent)
    return settings


def gateway_part(source: Source, socket: Path) -> Settings:
    """What a gateway replica serves; the models of engines are asked at ``socket``.

    Raises:
        SettingsError: the configuration cannot be used.
    """
    settings = source.read()
    return workers_part(settings, socket) if has_engines(settings) else settings


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Nobody looks at the progress of a preparation in a replica."""
