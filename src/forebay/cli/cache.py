"""``forebay cache``: looks into the cache of a running server, and clears or fills it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import urlencode

import click
import msgspec

from forebay.cli.chat import DEFAULT_URL
from forebay.cli.chat.client import Client
from forebay.cli.chat.failures import ChatError, told

BATCH_BYTES: Final = 4 * 1024 * 1024
"""Lines are sent in bodies of about so many bytes."""

_CHUNK: Final = 64 * 1024


class Warmed(msgspec.Struct, frozen=True):
    """What a server says of the lines it was sent."""

    stored: int
    failed: int
    errors: list[dict[str, int | str]] = []


class Server:
    """The server at ``url``, asked as whoever holds ``key``."""

    def __init__(self, url: str, key: str | None) -> None:
        self._client = Client(url.removesuffix("/v1").rstrip("/") + "/admin", key)

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The body of the answer."""
        into = _Buffer()
        self.copy(method, path, into, body)
        return bytes(into.data)

    def copy(self, method: str, path: str, into: "BinaryIO | _Buffer", body: bytes | None = None) -> None:
        """Write the body of the answer to ``into``, piece by piece."""
        connection = self._client.connection()
        try:
            self._client.connect(connection)
            response = self._client.ask(connection, method, path, body)
            with told(self._client.url):
                while piece := response.read(_CHUNK):
                    into.write(piece)
        finally:
            connection.close()


class _Buffer:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, piece: bytes) -> None:
        self.data += piece


@click.group()
@click.option("--url", envvar="FOREBAY_URL", default=DEFAULT_URL, show_default=True, help="Base URL of the server.")
@click.option("--key", envvar="FOREBAY_API_KEY", help="A key with admin: true; better kept in FOREBAY_API_KEY.")
@click.pass_context
def cache(context: click.Context, url: str, key: str | None) -> None:
    """Look into the cache of a running server, clear it, fill it."""
    with _told():
        context.obj = Server(url, key)


@cache.command()
@click.pass_obj
def stats(server: Server) -> None:
    """How full the cache is, and what has happened."""
    with _told():
        found = msgspec.json.decode(server.ask("GET", "/cache"))
    figures = found.pop("figures")
    for name, value in (("store", found["store"]), ("entries", found["entries"]), ("bytes", found["bytes"])):
        click.echo(f"{name:24} {value}")
    for name, value in figures.items():
        click.echo(f"{name:24} {value:g}")


@cache.command()
@click.argument("key")
@click.pass_obj
def get(server: Server, key: str) -> None:
    """Show the entry of KEY, as JSON."""
    with _told():
        click.echo(msgspec.json.format(server.ask("GET", f"/cache/{key}")).decode())


@cache.command()
@click.argument("key", required=False)
@click.option("--tenant")
@click.option("--namespace")
@click.option("--model")
@click.option("--all", "everything", is_flag=True, help="Everything there is.")
@click.pass_obj
def delete(server: Server, /, key: str | None, everything: bool, **labels: str | None) -> None:  # noqa: FBT001  # click's
    """Delete the entry of KEY, or all those of a tenant, a namespace, a model."""
    wanted = {name: value for name, value in labels.items() if value is not None}
    if everything:
        wanted["all"] = "true"
    if bool(key) == bool(wanted):
        raise click.UsageError("Give a KEY, or else --tenant, --namespace, --model or --all.")
    path = f"/cache/{key}" if key else f"/cache?{urlencode(wanted)}"
    with _told():
        click.echo(f"deleted: {msgspec.json.decode(server.ask('DELETE', path))['deleted']}")


@cache.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def warm(server: Server, file: Path) -> None:
    """Store the lines of FILE: {"request": ..., "response": ...}, or what `export` wrote."""
    stored = failed = done = 0
    with _told(), file.open("rb") as lines:
        for batch, number in _batches(lines):
            said = msgspec.json.decode(server.ask("POST", "/cache/warm", batch), type=Warmed)
            for each in said.errors:
                click.echo(f"{file}:{done + int(each['line'])}: {each['error']}", err=True)
            stored, failed, done = stored + said.stored, failed + said.failed, done + number
    click.echo(f"stored: {stored}")
    if failed:
        raise click.ClickException(f"{failed} lines were not stored")


@cache.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.pass_obj
def export(server: Server, file: Path | None) -> None:
    """Write all entries to FILE, or to the standard output, one a line."""
    with _told():
        if file is None:
            server.copy("GET", "/cache/export", sys.stdout.buffer)
            return
        with file.open("wb") as into:
            server.copy("GET", "/cache/export", into)


def _batches(lines: BinaryIO) -> Iterator[tuple[bytes, int]]:
    batch, number = bytearray(), 0
    for line in lines:
        batch += line
        number += 1
        if len(batch) >= BATCH_BYTES:
            yield bytes(batch), number
            batch, number = bytearray(), 0
    if batch:
        yield bytes(batch), number


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (ChatError, OSError) as error:
        raise click.ClickException(str(error)) from None
