"""``forebay keys``: makes, lists, shows, rotates and revokes API keys in the store, whether or not a server runs."""

import asyncio
import getpass
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import click
import msgspec

from forebay.accounts import build_issuer, build_store
from forebay.api.keys import KeyRequest, shown, spent
from forebay.auth.issuing import Issuer
from forebay.core.errors import ForebayError, InvalidRequestError
from forebay.core.keys import IssuedKey
from forebay.core.money import dollars
from forebay.core.scopes import SCOPES
from forebay.core.store import Store
from forebay.core.types import Principal
from forebay.generation import check_store
from forebay.plugins import PreparationError
from forebay.settings import Settings, SettingsError, load_file
from forebay.settings.values import duration

T = TypeVar("T")

NO_ISSUING = "the configuration issues no keys: add 'auth.issued_keys' with a pepper, and a 'store'"

_TEXT = "takes 1 to 128 characters, and no control characters such as line breaks"
_COUNT = "takes a whole number from 1 to 1000000000000"
_DOLLARS = "takes an amount of dollars, such as 2.50"
REMEDIES: Final[Mapping[str, str]] = {
    "name": f"NAME {_TEXT}",
    "tenant": f"--tenant {_TEXT}",
    "models": f"--model {_TEXT}",
    "expires_in": "--expires takes a duration of more than 0s and at most a hundred years, such as 90d",
    "rpm": f"--rpm {_COUNT}",
    "tpm": f"--tpm {_COUNT}",
    "parallel": f"--parallel {_COUNT}",
    "budget_day": f"--budget-day {_DOLLARS}",
    "budget_month": f"--budget-month {_DOLLARS}",
}

config_option = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("forebay.yaml"),
    help="Configuration file.  [default: forebay.yaml]",
)


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke API keys."""


@keys.command()
@click.argument("name")
@config_option
@click.option("--tenant", default="default", help="The group it belongs to.  [default: default]")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="What it is good for.")
@click.option("--model", "models", multiple=True, help="A model that it may use.  [default: all]")
@click.option("--expires", help="How long it lasts, such as 90d.")
@click.option("--rpm", type=click.IntRange(1), help="Requests a minute.")
@click.option("--tpm", type=click.IntRange(1), help="Tokens a minute.")
@click.option("--parallel", type=click.IntRange(1), help="Requests at once.")
@click.option("--budget-day", metavar="DOLLARS", help="What it may cost on one day, in UTC.")
@click.option("--budget-month", metavar="DOLLARS", help="What it may cost in one month.")
def create(name: str, config: Path, expires: str | None, **given: object) -> None:
    """Make a key for NAME, and show it this once."""
    fields = {key: value for key, value in given.items() if value not in {None, ()}}
    if expires is not None:
        fields["expires_in"] = _seconds(expires, "--expires")
    try:
        wish = msgspec.convert({"name": name, **fields}, KeyRequest).wish()
    except msgspec.ValidationError as error:
        raise click.UsageError(_remedy(error)) from None
    except InvalidRequestError as error:
        raise click.UsageError(str(error)) from None
    text, key = _done(config, lambda issuer: issuer.create(wish, who()))
    _tell(text, key)


@keys.command(name="list")
@config_option
@click.option("--tenant", help="Only those of this tenant.")
@click.option("--json", "as_json", is_flag=True, help="Everything that is known of them.")
def listing(config: Path, tenant: str | None, *, as_json: bool) -> None:
    """List all keys, the newest first."""
    found = _done(config, lambda issuer: issuer.list(tenant))
    if as_json:
        click.echo(msgspec.json.encode(list(found)).decode())
        return
    for key in found:
        click.echo(f"{key.id}  {key.shown}  {key.name} ({key.tenant})  {_state(key)}{_limits(key)}")


@keys.command()
@click.argument("identity", metavar="ID")
@config_option
def show(identity: str, config: Path) -> None:
    """Show all that is known of the key with the id ID, and what was spent with it."""

    async def work(store: Store, issuer: Issuer) -> dict[str, object]:
        key = await issuer.find(identity)
        return {**shown(key), **await spent(store.usage, key)}

    found = _done_with(config, work)
    click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())


@keys.command()
@click.argument("identity", metavar="ID")
@config_option
@click.option("--grace", default="0s", help="How long the old key goes on, such as 1h.  [default: 0s]")
def rotate(identity: str, config: Path, grace: str) -> None:
    """Put another key in the place of that with the id ID."""
    seconds = _seconds(grace, "--grace")
    text, key = _done(config, lambda issuer: issuer.rotate(identity, seconds, who()))
    _tell(text, key)


@keys.command()
@click.argument("identity", metavar="ID")
@config_option
def revoke(identity: str, config: Path) -> None:
    """End the key with the id ID, on every running server within a second."""
    key = _done(config, lambda issuer: issuer.revoke(identity, who()))
    click.echo(f"{key.id} ({key.name}) is revoked")


def _done(config: Path, work: Callable[[Issuer], Awaitable[T]]) -> T:
    return _done_with(config, lambda _, issuer: work(issuer))


def _done_with(config: Path, work: Callable[[Store, Issuer], Awaitable[T]]) -> T:
    try:
        settings = load_file(config, os.environ)
        check_store(settings)
        return asyncio.run(_with_store(settings, work))
    except (SettingsError, PreparationError, ForebayError) as error:
        raise click.ClickException(str(error)) from None


async def _with_store(settings: Settings, work: Callable[[Store, Issuer], Awaitable[T]]) -> T:
    store = build_store(settings.store)
    if store is None or settings.auth.issued_keys is None:
        raise click.ClickException(NO_ISSUING)
    try:
        return await work(store, build_issuer(store, settings.auth.issued_keys))
    finally:
        await store.close()


def _tell(text: str, key: IssuedKey) -> None:
    click.echo(text)
    click.echo(f"{key.id}: keep the key above, it is not shown again", err=True)


def _remedy(error: msgspec.ValidationError) -> str:
    """What a field takes, in the words of the command line."""
    field = str(error).rpartition("$.")[2].strip("`").partition("[")[0]
    return REMEDIES.get(field, str(error))


def _state(key: IssuedKey) -> str:
    if key.revoked is not None:
        return f"revoked {_day(key.revoked)}"
    if key.expires is None:
        return "good"
    return f"{'expired' if key.expires <= time.time() else 'good until'} {_day(key.expires)}"


def _limits(key: IssuedKey) -> str:
    """What a line of the list says about limits, if there are any."""
    if key.limits is None:
        return ""
    counts = [f"{name} {value}" for name in ("rpm", "tpm", "parallel") if (value := getattr(key.limits, name))]
    money = [
        f"${dollars(amount)} a {name}"
        for amount, name in ((key.limits.budget_day, "day"), (key.limits.budget_month, "month"))
        if amount is not None
    ]
    return "  " + ", ".join([*counts, *money])


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(text: str, option: str) -> float:
    seconds = duration(text)
    if seconds is None:
        raise click.BadParameter("expected a duration, such as 90d", param_hint=option)
    return seconds


def who() -> Principal:
    """Whoever has a shell on the machine, by the name of their account."""
    try:
        account = getpass.getuser()
    except (OSError, KeyError):
        account = "unknown"
    return Principal(f"shell:{account}")
