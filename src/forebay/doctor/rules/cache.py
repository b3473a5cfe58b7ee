"""Debts of the cache: that never hits, or is everybody's."""

from collections.abc import Iterator
from typing import Final

from forebay.doctor.facts import Facts
from forebay.doctor.rule import Rule, Spot

_ASKED: Final = ("hit", "semantic-hit", "miss", "refresh")
_ENOUGH: Final = 200
_LEAST: Final = 0.01
_FAR: Final = 0.8


def _never_hits(facts: Facts) -> Iterator[Spot]:
    asked = [row.cache for row in facts.rows if row.cache in _ASKED]
    hits = sum(each.endswith("hit") for each in asked)
    if len(asked) >= _ENOUGH and hits < len(asked) * _LEAST:
        yield Spot("cache", f"{hits} of {len(asked)} requests were answered from it: it costs memory and gains nothing")


def _shared(facts: Facts) -> Iterator[Spot]:
    tenants = {key.tenant for key in facts.settings.auth.keys} | {key.tenant for key in facts.keys}
    if facts.settings.cache is not None and facts.settings.cache.shared and len(tenants) > 1:
        yield Spot(
            "cache.shared", f"{len(tenants)} tenants share it: who is answered fast learns what others have asked"
        )


def _loose(facts: Facts) -> Iterator[Spot]:
    semantic = facts.settings.cache.semantic if facts.settings.cache else None
    if semantic is not None and semantic.threshold < _FAR and semantic.judge is None:
        yield Spot(
            "cache.semantic.threshold", f"{semantic.threshold} lets questions pass as alike that are not, unjudged"
        )


RULES: Final = (
    Rule(
        "FB701",
        "warning",
        "Cache that never hits",
        "Take it away, or see why requests differ (docs/caching.md).",
        _never_hits,
    ),
    Rule("FB702", "warning", "Cache shared by tenants", "Set 'shared: false'.", _shared),
    Rule("FB703", "warning", "Loose semantic cache", f"Set a 'threshold' of {_FAR} or more, or a 'judge'.", _loose),
)
