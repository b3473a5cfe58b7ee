"""``forebay doctor``: tells the debts of a configuration, its prompts and its usage, for people and for machines."""

import asyncio
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import click
import msgspec

from forebay.accounts import build_store
from forebay.core.errors import ForebayError
from forebay.doctor import suppressions
from forebay.doctor.examine import ORDER, examine, rank
from forebay.doctor.facts import Facts, ToolUse
from forebay.doctor.gathering import asked, read
from forebay.doctor.rule import Finding
from forebay.doctor.rules import RULES
from forebay.doctor.sarif import sarif
from forebay.doctor.suppressions import SuppressionError
from forebay.doctor.tooluse import tool_use
from forebay.generation import check
from forebay.plugins import PreparationError
from forebay.settings import SettingsError

Form = Literal["table", "json", "sarif"]
COLOURS: Final = {"error": "red", "warning": "yellow", "info": "blue"}


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default="forebay.yaml")
@click.option("--format", "form", type=click.Choice(["table", "json", "sarif"]), default="table", help="How to tell.")
@click.option(
    "--fail-on",
    type=click.Choice(["info", "warning", "error", "never"]),
    default="warning",
    help="How bad a debt must be for status 1.  [default: warning]",
)
@click.option(
    "--captured",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Captures, as 'forebay replay --save' writes them: which tools were called.",
)
@click.option("--offline", is_flag=True, help="Do not ask the store.")
def doctor(file: Path, form: Form, fail_on: str, captured: Path | None, *, offline: bool) -> None:
    """Tell the debts of a configuration, its prompts and its usage.

    The configuration is FILE (forebay.yaml). The status is 1 if there are any.
    """
    now = time.time()
    try:
        facts = _gathered(file, now, _tools(captured), offline=offline)
        given = suppressions.read(file.parent / suppressions.NAME)
    except (SettingsError, PreparationError, ForebayError, SuppressionError, OSError) as error:
        raise click.ClickException(str(error)) from None
    today = datetime.fromtimestamp(now, UTC).date()
    found = sorted(suppressions.applied(examine(facts), given, today), key=rank)
    _tell(found, form, file)
    if any(_is_bad(each, fail_on) for each in found):
        raise click.exceptions.Exit(1)


def _gathered(file: Path, now: float, tools: Mapping[str, ToolUse], *, offline: bool) -> Facts:
    facts = msgspec.structs.replace(read(file, os.environ, now), tools=tools)
    check(facts.settings)
    store = None if offline else build_store(facts.settings.store)
    if store is None:
        return facts

    async def ask() -> Facts:
        try:
            return await asked(facts, store, tools)
        finally:
            await store.close()

    return asyncio.run(ask())


def _tools(captured: Path | None) -> Mapping[str, ToolUse]:
    if captured is None:
        return {}
    with captured.open("rb") as lines:
        return tool_use(lines)


def _is_bad(finding: Finding, fail_on: str) -> bool:
    return fail_on in ORDER and ORDER.index(finding.severity) <= [*ORDER].index(fail_on)  # type: ignore[arg-type]


def _tell(found: Sequence[Finding], form: Form, file: Path) -> None:
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode({"findings": found})).decode())
    elif form == "sarif":
        rules = (*RULES, *suppressions.RULES)
        click.echo(msgspec.json.format(msgspec.json.encode(sarif(found, rules, file.as_posix()))).decode())
    else:
        for line in _table(found, file):
            click.echo(line)


def _table(found: Sequence[Finding], file: Path) -> Iterator[str]:
    for each in found:
        place = f"{file}:{each.line}: " if each.line else ""
        head = click.style(f"{each.severity:<7} {each.rule}", fg=COLOURS[each.severity])
        yield f"{head}  {place}{each.path}: {each.message}"
        yield f"               {each.remedy}"
    counts = ", ".join(f"{sum(each.severity == level for each in found)} {level}" for level in ORDER)
    yield f"{len(found)} debts: {counts}" if found else "no debts found"
