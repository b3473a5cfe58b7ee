"""Where the settings of ``forebay serve`` come from: a file with what the command line adds, as often as it is asked.

With several workers the main process decides. What it has accepted lies in the folder that they share, and what a
worker was sent lies there for it to look at: texts, never the secrets that their ``${…}`` stand for.
"""

import ipaddress
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from forebay.cli.store import with_store
from forebay.defaults import with_engine, with_key
from forebay.generation import check
from forebay.settings import Problem, Settings, SettingsError, cache_settings, load, load_file
from forebay.settings.load import file_text
from forebay.settings.references import no_command, run_command
from forebay.split import host_part, once_per_host, workers_part

SENT = "the request"
ACCEPTED, PROPOSED = "accepted.yaml", "proposed.yaml"


class Source(msgspec.Struct, frozen=True):
    """A configuration file, and what the command line says besides: models for the engine, `server`, cache, store."""

    file: Path
    chosen: Sequence[str] = ()
    server: Mapping[str, object] = {}
    cache: str | None = None
    store: str | None = None

    def read(self) -> Settings:
        """What the file says now.

        Raises:
            SettingsError: it cannot be served.
        """
        return self._completed(load_file(self.file, os.environ), str(self.file))

    def parse(self, text: str, name: str = SENT) -> Settings:
        """What ``text`` says; messages call it ``name``.

        Raises:
            SettingsError: it cannot be served.
        """
        command = no_command if name == SENT else run_command
        return self._completed(load(text, source=name, environ=os.environ, command=command), name)

    def spread(self, text: str) -> bool:  # noqa: ARG002  # the port's
        """There is nobody else."""
        return False

    def _completed(self, settings: Settings, name: str) -> Settings:
        settings = with_key(with_engine(settings, self.chosen), os.environ)
        settings = with_store(with_cache(with_server(settings, self.server), self.cache), self.store)
        if not settings.models and settings.server.role != "web":
            raise SettingsError(name, [Problem(0, "", "names no model: add 'models', or --model.")])
        if is_open(settings):
            raise SettingsError(name, [Problem(0, "auth.keys", _OPEN.format(settings.server.host))])
        return settings


_OPEN = "are missing: to listen on {} without authentication would let everybody who can reach it use your models"


class WorkersSource(msgspec.Struct, frozen=True):
    """The same for a worker of the process ``main``; ``engine`` is the socket of the host's part, if there is one."""

    source: Source
    folder: Path
    running: Settings
    main: int
    engine: Path | None = None

    def read(self) -> Settings:
        """What the main process has accepted.

        Raises:
            SettingsError: it cannot be served.
        """
        text = (self.folder / ACCEPTED).read_text(encoding="utf-8")
        return self._part(self.source.parse(text, str(self.source.file)))

    def parse(self, text: str) -> Settings:
        """What ``text`` says.

        Raises:
            SettingsError: it cannot be served, or not without a restart.
        """
        settings = self.source.parse(text)
        check(settings)
        _check_host(self.running, settings)
        return self._part(settings)

    def spread(self, text: str) -> bool:
        """Ask the main process to let all workers serve by ``text``."""
        _write(self.folder / PROPOSED, text)
        os.kill(self.main, signal.SIGHUP)
        return True

    def _part(self, settings: Settings) -> Settings:
        return workers_part(settings, self.engine) if self.engine else settings


def accept(source: Source, folder: Path, running: Settings) -> Settings:
    """In the main process: what there is to serve now, by what a worker was sent, else by the file.

    Raises:
        SettingsError: it cannot be served, or not without a restart.
    """
    proposed = folder / PROPOSED
    if proposed.exists():
        text, name = proposed.read_text(encoding="utf-8"), SENT
        proposed.unlink()
    else:
        text, name = file_text(source.file), str(source.file)
    settings = source.parse(text, name)
    check(settings)
    _check_host(running, settings)
    _write(folder / ACCEPTED, text)
    return settings


def with_server(settings: Settings, given: Mapping[str, object]) -> Settings:
    """``settings`` with what the command line says about the server."""
    told = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, **told))


def with_cache(settings: Settings, text: str | None) -> Settings:
    """``settings`` with the cache that the command line's ``text`` means, if there is one."""
    if text is None:
        return settings
    return msgspec.structs.replace(settings, cache=cache_settings(text))


def is_open(settings: Settings) -> bool:
    """Whether others can reach the server's address and nobody is asked who they are.

    The role ``web`` has nothing that it could give away: its gateway is told who asks, and decides.
    """
    host = settings.server.host
    if settings.auth.required or settings.server.role == "web" or host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def _check_host(running: Settings, settings: Settings) -> None:
    """What the host holds once cannot change while the workers run."""
    before, after = host_part(running), host_part(settings)
    changed = {name for name in {*before.providers, *after.providers} if not _same(before, after, name)}
    if changed or before.models != after.models or once_per_host(settings) - set(after.providers):
        names = ", ".join(sorted(changed)) or "the models in the engine"
        message = f"{names} cannot change while several workers share one engine: restart the server"
        raise SettingsError(next(iter(settings.providers.values())).source, [Problem(0, "providers", message)])


def _same(before: Settings, after: Settings, name: str) -> bool:
    one, other = before.providers.get(name), after.providers.get(name)
    return one is not None and other is not None and one.same_as(other)


def _write(file: Path, text: str) -> None:
    """In one step, for whoever looks at it just now."""
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
