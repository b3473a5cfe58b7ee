"""Gathers the facts about a system: its files as they are, its store as far as there is one."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from forebay.core.ledger import UsageQuery, latest_rows
from forebay.core.prompts import Collection
from forebay.core.store import Store
from forebay.doctor.ages import ages
from forebay.doctor.facts import MONTH, Facts, ToolUse
from forebay.gateway.prices import price_list
from forebay.plugins import PROVIDERS
from forebay.prompting import configured
from forebay.settings import Settings, load
from forebay.settings.document import parse
from forebay.settings.problems import Problems
from forebay.settings.references import References, no_command

BILLED: Final = ("azure", "bedrock", "cohere", "gemini", "vertex")
"""Kinds of provider that send bills, though no price list of theirs comes with Forebay."""


ELSEWHERE: Final = re.compile(r"\$\{(?:file|command):(?:[^{}]|\$\{[^{}]*\})*\}")
"""What stands in other files, or comes from programs: neither is read here."""


class Assumed(dict[str, str]):
    """An environment in which everything is set: what stands behind a ``${NAME}`` is of no interest to a doctor."""

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401, ARG002  # a dict's
        """The variable's value, or something in its place."""
        return super().get(key, f"assumed-value-of-{key}")


def read(path: Path, environ: Mapping[str, str], now: float) -> Facts:
    """What the configuration at ``path`` says; nothing that runs is asked.

    Raises:
        SettingsError: it cannot be used.
        OSError: it cannot be read.
    """
    text = path.read_text(encoding="utf-8-sig")
    without = ELSEWHERE.sub("${ELSEWHERE}", text)
    assumed = Assumed(environ)
    settings = load(without, source=str(path), environ=assumed, command=no_command)
    root = parse(without, Problems(str(path)), References(assumed, no_command))
    date = datetime.fromisoformat(price_list().date).replace(tzinfo=UTC).timestamp()
    prompts = configured(settings.prompts) or Collection()
    mode = path.stat().st_mode
    return Facts(
        now, settings, text, root, mode, ages(path, now), prompts=prompts, vendors=_vendors(settings), prices_date=date
    )


async def asked(facts: Facts, store: Store, tools: Mapping[str, ToolUse]) -> Facts:
    """``facts`` with what ``store`` knows besides.

    Raises:
        UnavailableError: it cannot be read now.
    """
    stored = await store.prompts.all()
    both = Collection([*facts.prompts.prompts, *stored.prompts], [*facts.prompts.labels, *stored.labels])
    keys = await store.keys.list(None) if facts.settings.auth.issued_keys is not None else ()
    rows = await latest_rows(store.usage, UsageQuery(since=facts.now - MONTH))
    return msgspec.structs.replace(facts, rows=rows, keys=keys, prompts=both, tools=tools)


def _vendors(settings: Settings) -> Mapping[str, str]:
    found = {}
    for name, section in settings.providers.items():
        plugin = PROVIDERS.plugin(section.kind)
        vendor = plugin.vendor(section.read(plugin.settings))
        found[name] = vendor or (section.kind if section.kind in BILLED else "")
    return found
