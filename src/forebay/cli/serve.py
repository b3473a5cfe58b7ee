"""``forebay serve``: settings in, models prepared, the server in the foreground."""

import contextlib
import functools
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
import msgspec

from forebay import __version__
from forebay.app import application, host_application
from forebay.cli.prepare import prepare
from forebay.cli.source import Source, WorkersSource, accept, is_open, with_cache, with_server
from forebay.cli.store import own_store, place_of, with_store
from forebay.defaults import API_KEY, defaults, engine_installed, with_key
from forebay.engine.catalog import DEFAULT
from forebay.plugins import PreparationError, UnknownKindError
from forebay.process import calm_collector, configure_logging
from forebay.roles import ALL, ENGINE, WEB, check_role
from forebay.server.companion import Companion, CompanionError
from forebay.server.exchange import Application
from forebay.server.limits import Limits
from forebay.server.run import AddressError, Again, Build, Listen, run
from forebay.server.tls import Certificate, TlsError
from forebay.settings import ServerSettings, Settings, SettingsError, TlsSettings, cache_settings
from forebay.split import host_part, once_per_host, workers_part

NO_MODEL = """\
There is nothing to serve: the embedded engine is not installed and no provider's key is in the environment.
  pip install 'forebay[engine]'     a model on this machine
  export OPENAI_API_KEY=...         or a vendor's
  forebay serve --config FILE       or a configuration file (docs/configuration.md)"""

OPEN_DOOR = f"""\
refusing to listen on {{}} without authentication: everybody who can reach it could use your models.
Set a key ({API_KEY}=... in the environment, or auth.keys in the configuration file), or listen on 127.0.0.1."""

KEEPING = ("all", "gateway")
"""The roles that keep something."""

logger = logging.getLogger("forebay.cli")


@click.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.  [default: 8080]")
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Configuration file.")
@click.option(
    "--model",
    "chosen",
    multiple=True,
    help="Model for the embedded engine: a name, a .gguf file, a folder, or hf:OWNER/REPO. May be given "
    f"several times.  [default: {DEFAULT}]",
)
@click.option(
    "--cache",
    callback=lambda _context, _option, text: _checked_cache(text),
    help="Where answers are kept for equal requests: memory, sqlite:PATH, redis://HOST:PORT/DB or off.  [default: off]",
)
@click.option(
    "--store",
    callback=lambda _context, _option, text: _checked_store(text),
    help="Where conversations and usage are kept: sqlite:///FILE, postgresql://USER:PASSWORD@HOST/NAME or off.  "
    "[default: a file of yours, if there is no configuration file]",
)
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that share the port.  [default: 1]")
@click.option(
    "--role",
    type=click.Choice(["all", "gateway", "engine", "web"]),
    help="What of Forebay this process is; docs/services.md.  [default: all]",
)
@click.option("--gateway", help="Whom the role 'web' asks, such as http://127.0.0.1:8081.")
def serve(  # noqa: PLR0913, PLR0917  # one an option
    host: str | None,
    port: int | None,
    config: Path | None,
    chosen: tuple[str, ...],
    cache: str | None,
    store: str | None,
    workers: int | None,
    role: str | None,
    gateway: str | None,
) -> None:
    """Serve models in the OpenAI format."""
    given = {"host": host, "port": port, "workers": workers, "role": role, "gateway": gateway}
    source = Source(config, chosen, given, cache, store) if config else None
    settings = with_cache(_settings(source, chosen, given), cache)
    if config is None and settings.server.role in KEEPING:
        settings = with_store(msgspec.structs.replace(settings, store=own_store()), store)
    try:
        check_role(settings)
        prepare(settings)
        _serve(settings, source)
    except (SettingsError, UnknownKindError, PreparationError, CompanionError, AddressError, TlsError) as error:
        raise click.ClickException(str(error)) from None


def _checked_cache(text: str | None) -> str | None:
    if text is not None:
        try:
            cache_settings(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    return text


def _checked_store(text: str | None) -> str | None:
    try:
        with_store(Settings(), text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return text


def worker(settings: Settings, shared: Path | None = None, source: Source | WorkersSource | None = None) -> Application:
    """The application of one process."""
    configure_logging(settings.log)
    built = application(settings, shared, source)
    calm_collector()
    return built


def held_by_host(settings: Settings, shared: Path) -> Application:
    """The application of the process that holds what the workers share."""
    configure_logging(settings.log)
    built = host_application(settings, shared)
    calm_collector()
    return built


def run_host(settings: Settings, shared: Path, socket: str) -> None:
    """That process."""
    listen = Listen(unix_socket=socket, shutdown_seconds=settings.server.shutdown_timeout)
    run(functools.partial(held_by_host, settings, shared), listen, _limits(settings.server))


def _settings(source: Source | None, chosen: Sequence[str], given: Mapping[str, object]) -> Settings:
    if chosen and not engine_installed():
        raise click.ClickException("--model needs the embedded engine: pip install 'forebay[engine]'")
    try:
        settings = source.read() if source else with_server(_defaults(chosen, given), given)
    except (SettingsError, PreparationError, OSError) as error:
        raise click.ClickException(str(error)) from None
    if not settings.models and settings.server.role != WEB:
        raise click.ClickException(NO_MODEL)
    if is_open(settings):
        raise click.ClickException(OPEN_DOOR.format(settings.server.host))
    return settings


def _defaults(chosen: Sequence[str], given: Mapping[str, object]) -> Settings:
    """What is served without a file: by the web role no model, by the engine's no vendor."""
    role = given["role"]
    if role == WEB:
        return Settings()
    return with_key(defaults({}, chosen), os.environ) if role == ENGINE else defaults(os.environ, chosen)


def _serve(settings: Settings, source: Source | None) -> None:
    """One process for everything; several workers share one more, if there is anything to share."""
    if settings.server.workers == 1:
        _listen(settings, functools.partial(worker, settings, None, source))
        return
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="forebay-")))
        engine = folder / "engine.sock" if once_per_host(settings) else None
        if engine is not None:
            stack.enter_context(Companion(functools.partial(run_host, host_part(settings), folder), engine))
        build = functools.partial(_worker_of, source, folder, engine)
        again = functools.partial(_accepted, source, folder, settings, build) if source else None
        _listen(settings, build(settings), again)


def _worker_of(source: Source | None, folder: Path, engine: Path | None, settings: Settings) -> Build:
    """How a worker that serves by ``settings`` is built, in its own process."""
    part = workers_part(settings, engine) if engine else settings
    own = WorkersSource(source, folder, settings, os.getpid(), engine) if source else None
    return functools.partial(worker, part, folder, own)


def _accepted(source: Source, folder: Path, settings: Settings, build: Callable[[Settings], Build]) -> Build | None:
    """How workers are built by what there is to serve now; ``None``, with a line in the log, if that is no good."""
    try:
        return build(accept(source, folder, settings))
    except SettingsError as error:
        logger.error("the configuration has not been applied:\n%s", error)  # noqa: TRY400  # the user's fault
        return None


def _listen(settings: Settings, build: Build, again: Again | None = None) -> None:
    server = settings.server
    listen = Listen(
        server.host,
        server.port,
        server.workers,
        shutdown_seconds=server.shutdown_timeout,
        certificate=certificate(server.tls),
    )
    run(build, listen, _limits(server), functools.partial(_announce, settings), again)


def certificate(tls: TlsSettings | None) -> Certificate | None:
    """The certificate that the settings name, if there is to be TLS."""
    if tls is None:
        return None
    return Certificate(tls.certificate, tls.key, tls.password.reveal() if tls.password else None)


def _limits(server: ServerSettings) -> Limits:
    return Limits(
        body_bytes=server.body_limit,
        header_seconds=server.header_timeout,
        body_seconds=server.body_timeout,
        write_seconds=server.write_timeout,
        keep_alive_seconds=server.keep_alive,
        connections=server.max_connections,
    )


def _announce(settings: Settings, address: str) -> None:
    """Tell a person who has just started the server how to use it."""
    names, role = list(settings.models), settings.server.role
    here = address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    title = f"Forebay {__version__}" if role == ALL else f"Forebay {__version__}, {role}"
    lines = [title, f"  address   {address}/v1"]
    lines += [f"  models    {', '.join(names)}"] if names else [f"  gateway   {settings.server.gateway}"]
    lines += [f"  web page  {here}/"] if role in {ALL, WEB} else []
    lines += [f"  history   {place_of(settings.store)}"] if settings.store and role in KEEPING else []
    lines += [f"  try       {_curl(here, names, settings)}"] if names else []
    lines += ["  stop      Ctrl-C"]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _curl(address: str, names: Sequence[str], settings: Settings) -> str:
    model = next((name for name in names if not name.endswith("/*")), names[0].replace("*", "MODEL"))
    key = " -H 'authorization: Bearer YOUR_KEY'" if settings.auth.required else ""
    body = msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": "Say hello."}]}).decode()
    return f"curl {address}/v1/chat/completions{key} -H 'content-type: application/json' -d '{body}'"
