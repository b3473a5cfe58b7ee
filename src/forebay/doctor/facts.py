"""All that rules may look at, gathered beforehand: no rule reads a file or asks anybody."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from forebay.core.keys import IssuedKey
from forebay.core.prompts import Collection, Prompt
from forebay.core.types import Record
from forebay.settings import DeploymentSettings, Settings
from forebay.settings.document import Entries, Items, Node

DAY: Final = 86400.0
MONTH: Final = 30 * DAY
WEEK: Final = 7 * DAY
ENOUGH: Final = 50
"""Fewer requests say nothing about a habit."""


class ToolUse(msgspec.Struct, frozen=True):
    """How often a tool was offered to a model, and how often called."""

    offered: int = 0
    called: int = 0


class Facts(msgspec.Struct, frozen=True):
    """A system as it is at the moment ``now`` (seconds since the epoch).

    ``text`` is the configuration file's, ``root`` its tree, ``mode`` the file's permissions. ``age`` tells for how many
    seconds a line of it has stood there, at least. ``rows`` are those of the last `MONTH`, oldest first; without a
    store there are none. ``vendors`` are the vendors whose price list holds, by provider; ``prices_date`` is its date.
    """

    now: float
    settings: Settings
    text: str
    root: Node
    mode: int
    ages: Mapping[int, float]
    rows: Sequence[Record] = ()
    keys: Sequence[IssuedKey] = ()
    prompts: Collection = Collection()
    tools: Mapping[str, ToolUse] = {}
    vendors: Mapping[str, str] = {}
    prices_date: float = 0.0

    @property
    def is_used(self) -> bool:
        """Whether the ledger goes back far enough, with enough in it, that what is not in it is not used."""
        return len(self.rows) >= ENOUGH and self.now - self.rows[0].at >= 2 * WEEK

    @property
    def is_behind(self) -> bool:
        """Whether a gateway stands before it, which knows the people, checks their texts and keeps the books."""
        return self.settings.server.role == "engine"

    def deployments(self) -> Iterator[tuple[str, str, DeploymentSettings]]:
        """Every deployment, with its model's name and its path."""
        for name, model in self.settings.models.items():
            for number, each in enumerate(model.deployments):
                yield name, f"models.{name}.deployments[{number}]", each

    def latest_prompts(self) -> Sequence[tuple[Prompt, Sequence[Prompt]]]:
        """The latest version of each prompt, and the versions before it, oldest first."""
        found: dict[tuple[str, str], list[Prompt]] = {}
        for prompt in sorted(self.prompts.prompts, key=lambda each: each.version):
            found.setdefault((prompt.tenant, prompt.draft.id), []).append(prompt)
        return [(versions[-1], versions[:-1]) for versions in found.values()]

    def recent(self) -> Sequence[Record]:
        """The rows of the last week."""
        return [row for row in self.rows if row.at >= self.now - WEEK]

    def before(self) -> Sequence[Record]:
        """The rows of the week before the last."""
        return [row for row in self.rows if self.now - 2 * WEEK <= row.at < self.now - WEEK]


def line_of(root: Node, path: str) -> int:
    """The line of what ``path`` leads to, or of as much of it as there is; 0 if nothing is.

    Names may have dots in them, as models' do.
    """
    found = 0
    node: Node | None = root
    rest = path
    while node is not None and rest:
        found, node, rest = _step(node, rest, found)
    return found


def _step(node: Node, rest: str, found: int) -> tuple[int, Node | None, str]:
    if isinstance(node, Entries):
        for name in sorted(node.entries, key=len, reverse=True):
            if rest == name or rest.startswith((f"{name}.", f"{name}[")):
                return node.lines[name], node.entries[name], rest[len(name) :].removeprefix(".")
    if isinstance(node, Items) and rest.startswith("["):
        number, _, left = rest[1:].partition("]")
        if number.isdigit() and int(number) < len(node.items):
            item = node.items[int(number)]
            return item.line, item, left.removeprefix(".")
    return found, None, ""


def scalars(node: Node, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value below ``node`` with its path."""
    if isinstance(node, Entries):
        for name, entry in node.entries.items():
            yield from scalars(entry, f"{path}.{name}" if path else name)
    elif isinstance(node, Items):
        for number, item in enumerate(node.items):
            yield from scalars(item, f"{path}[{number}]")
    else:
        yield path, node
