"""A guard with what the configuration wants done about it, and whose calls it judges.

A call gets the rules of all policies that fit it, so a tenant, a key or a model can only add to what holds for all.
"""

import hashlib
from collections.abc import Mapping, Sequence
from random import Random

import msgspec

from forebay.core.operations import STORED
from forebay.core.ports import Guard
from forebay.core.types import ADAPTER_MARK, Call
from forebay.core.verdicts import Side
from forebay.settings import PolicySettings, RuleSettings

CHANGING = frozenset({None, "fix", "filter", "fix_reask"})
ASKING = frozenset({"reask", "fix_reask"})


class Rule(msgspec.Struct, frozen=True):
    """A guard, its ``name`` in the configuration, its ``kind``, and the ``version`` of the package that has it."""

    name: str
    guard: Guard
    settings: RuleSettings = RuleSettings()
    kind: str = ""
    version: str = ""

    @property
    def sides(self) -> frozenset[Side]:
        """Where it stands."""
        return frozenset(Side(each) for each in self.settings.on)

    @property
    def enforced(self) -> bool:
        """Whether anything can follow from what it says."""
        return self.settings.mode == "enforce" and self.settings.on_fail != "noop"

    @property
    def changes(self) -> bool:
        """Whether it may change a text, and has its turn therefore."""
        return self.enforced and self.settings.on_fail in CHANGING

    @property
    def asks_again(self) -> bool:
        """Whether an answer that it does not let pass is asked for again."""
        return self.enforced and self.settings.on_fail in ASKING

    @property
    def lookbehind(self) -> int | None:
        """As the guard's, unless the whole text is wanted."""
        return None if self.settings.streaming == "buffer" or self.asks_again else self.guard.lookbehind


Rules = tuple[Rule, ...]


class Policies:
    """All rules in the order of the configuration, and whom each is for; ``fingerprint`` identifies the whole."""

    def __init__(
        self,
        rules: Sequence[Rule],
        settings: PolicySettings = PolicySettings(),  # noqa: B008  # frozen
        fingerprint: str = "",
        random: Random | None = None,
    ) -> None:
        self.all = tuple(rules)
        self.fingerprint = fingerprint
        self._settings = settings
        self._random = random or Random()  # noqa: S311  # it samples
        scoped = {name for scope in (settings.tenants, settings.keys, settings.models) for name in _named(scope)}
        self._everywhere = {each.name for each in rules} - (scoped - {*settings.everywhere})

    def of(self, call: Call) -> Rules:
        """The rules for ``call``, without those that pass over it by their sample rate."""
        return tuple(rule for rule in self.holding(call) if self._sampled(rule))

    def holding(self, call: Call) -> Rules:
        """All rules that hold for ``call``; what names no model may be about any."""
        settings, principal, request = self._settings, call.principal, call.request
        of_any = request.operation in STORED
        names = self._everywhere.union(
            settings.tenants.get(principal.tenant, ()),
            settings.keys.get(principal.name, ()),
            *(guards for pattern, guards in settings.models.items() if of_any or _fits(pattern, request.model)),
        )
        return tuple(rule for rule in self.all if rule.name in names)

    def _sampled(self, rule: Rule) -> bool:
        rate = rule.settings.sample_rate
        return rate >= 1 or self._random.random() < rate


def fingerprint(parts: object) -> str:
    """What identifies ``parts``, which are plain values: twelve hexadecimal digits."""
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()[:12]


def _named(scope: Mapping[str, Sequence[str]]) -> list[str]:
    return [name for names in scope.values() for name in names]


def _fits(pattern: str, model: str) -> bool:
    """Whether ``model`` is the one of the policy, one behind its wildcard, or an adapter of one."""
    if pattern.endswith("/*"):
        return model.startswith(pattern[:-1])
    return model == pattern or model.startswith(f"{pattern}{ADAPTER_MARK}")
