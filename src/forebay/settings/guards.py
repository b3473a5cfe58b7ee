"""What a settings file says about guards: which there are, where they stand, what follows from what they say, for whom.

What is a guard's own stays in its section until its plug-in reads it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from forebay.settings.document import Entries, Node
from forebay.settings.reader import MISSING, Reader
from forebay.settings.section import Section

Name = Annotated[str, msgspec.Meta(min_length=1)]
Place = Literal["input", "output", "tool_args", "tool_results"]
OnFail = Literal["noop", "exception", "fix", "filter", "refrain", "reask", "fix_reask"]


class RuleSettings(msgspec.Struct, frozen=True):
    """What the pipeline does with a guard; `docs/guards.md` says what each ``on_fail`` means.

    Without one the guard's own word counts: what it would mask is masked, what it would block is refused.
    ``sample_rate`` is the share of calls that it judges. ``streaming``: ``buffer`` holds a whole answer back for it,
    whatever it could decide earlier. ``masks``: whether what it masks in a request is put back into the answer.
    """

    on: Annotated[tuple[Place, ...], msgspec.Meta(min_length=1)] = ("input", "output", "tool_args", "tool_results")
    on_fail: OnFail | None = None
    mode: Literal["enforce", "monitor"] = "enforce"
    timeout_ms: Annotated[int, msgspec.Meta(ge=1, le=600_000)] = 2_000
    on_error: Literal["open", "closed"] = "closed"
    sample_rate: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    streaming: Literal["holdback", "buffer"] = "holdback"
    masks: Literal["reversible", "permanent"] = "reversible"
    reasks: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1


class GuardSettings(msgspec.Struct, frozen=True):
    """One guard: the pipeline's part of its section, and its own, with its ``kind``."""

    rule: RuleSettings
    section: Section

    @classmethod
    def from_node(cls, node: Node, reader: Reader) -> Any:  # noqa: ANN401  # or MISSING
        """Both parts of the section at ``node``."""
        entries = reader.entries(node)
        if entries is None:
            return MISSING
        fields = RuleSettings.__struct_fields__
        rule = reader.read(_part(entries, set(fields) & entries.entries.keys()), RuleSettings)
        section = reader.read(_part(entries, entries.entries.keys() - set(fields)), Section)
        return MISSING if rule is MISSING or section is MISSING else cls(rule, section)


class PolicySettings(msgspec.Struct, frozen=True):
    """Which guards hold for whom, beside those of ``everywhere``: nobody can have one less, only more.

    A guard that stands in none of these lists holds everywhere.
    """

    everywhere: tuple[Name, ...] = ()
    tenants: Mapping[Name, tuple[Name, ...]] = {}
    keys: Mapping[Name, tuple[Name, ...]] = {}
    models: Mapping[Name, tuple[Name, ...]] = {}


def _part(entries: Entries, keys: set[str]) -> Entries:
    chosen = {key: node for key, node in entries.entries.items() if key in keys}
    return msgspec.structs.replace(entries, entries=chosen)
