"""Debts of API keys: without limits, ends, owners or use, or with more rights than their use takes."""

from collections.abc import Iterator
from typing import Final

from forebay.core.keys import IssuedKey
from forebay.core.scopes import ADMIN
from forebay.core.types import Limits
from forebay.doctor.facts import MONTH, WEEK, Facts
from forebay.doctor.rule import Rule, Spot
from forebay.settings.limits import EVERY_OTHER

_NOBODY: Final = "default"


def _active(facts: Facts) -> list[IssuedKey]:
    return [key for key in facts.keys if key.revoked is None and (key.expires is None or key.expires > facts.now)]


def _unlimited(facts: Facts) -> Iterator[Spot]:
    """Keys that have no limits of their own, where neither all keys nor their tenants have any."""
    named = [
        (f"auth.keys[{number}]", key.tenant, key.limits and key.limits.limits())
        for number, key in enumerate(facts.settings.auth.keys)
        if not key.admin
    ]
    named += [(f"keys.{key.name}", key.tenant, key.limits) for key in _active(facts)]
    limits = facts.settings.limits
    for path, tenant, own in named:
        given = (limits.keys, limits.tenants.get(tenant), limits.tenants.get(EVERY_OTHER))
        if own in {None, Limits()} and all(each is None or each.limits() == Limits() for each in given):
            yield Spot(path, "it may ask for any number of requests and tokens, at any cost")


def _endless(facts: Facts) -> Iterator[Spot]:
    for key in _active(facts):
        if key.expires is None:
            yield Spot(f"keys.{key.name}", f"{key.shown} is good for ever")


def _ownerless(facts: Facts) -> Iterator[Spot]:
    named = [(f"auth.keys[{number}]", key.name, key.tenant) for number, key in enumerate(facts.settings.auth.keys)]
    named += [(f"keys.{key.name}", key.name, key.tenant) for key in _active(facts)]
    for path, name, tenant in named:
        if tenant == _NOBODY and not facts.is_behind:
            yield Spot(path, f"'{name}' belongs to no tenant: nobody is asked about its costs")


def _unused(facts: Facts) -> Iterator[Spot]:
    if not facts.is_used:
        return
    asking = {row.principal for row in facts.rows}
    named = [(f"auth.keys[{number}]", key.name) for number, key in enumerate(facts.settings.auth.keys) if not key.admin]
    named += [
        (f"keys.{key.name}", key.name)
        for key in _active(facts)
        if facts.now - key.created > MONTH and ADMIN not in (key.scopes or ())
    ]
    for path, name in named:
        if name not in asking:
            yield Spot(path, f"'{name}' has asked for nothing in the last weeks")


def _admins_asking(facts: Facts) -> Iterator[Spot]:
    asking = {row.principal for row in facts.rows}
    for number, key in enumerate(facts.settings.auth.keys):
        if key.admin and key.name in asking:
            yield Spot(f"auth.keys[{number}]", f"the admin's key '{key.name}' asks models")


def _in_files(facts: Facts) -> Iterator[Spot]:
    if facts.settings.auth.issued_keys is None:
        return
    for number, key in enumerate(facts.settings.auth.keys):
        if not key.admin:
            yield Spot(f"auth.keys[{number}]", f"'{key.name}' has no end, as no key of a file has")


def _ending(facts: Facts) -> Iterator[Spot]:
    asking = {row.principal for row in facts.recent()}
    for key in _active(facts):
        if key.expires is not None and key.expires - facts.now < 2 * WEEK and key.name in asking:
            days = int((key.expires - facts.now) // 86400)
            yield Spot(f"keys.{key.name}", f"{key.shown} is in use and ends in {days} days")


RULES: Final = (
    Rule(
        "FB201",
        "warning",
        "Key without limits",
        "Give it, all keys or its tenant limits, a budget first of all (docs/auth.md).",
        _unlimited,
    ),
    Rule("FB202", "warning", "Key without an end", "Rotate it for one that expires.", _endless),
    Rule("FB203", "warning", "Key without an owner", "Give it the tenant that answers for it.", _ownerless),
    Rule("FB204", "warning", "Unused key", "Revoke it.", _unused),
    Rule("FB205", "warning", "Admin's key asks models", "Use a key of its own for that.", _admins_asking),
    Rule("FB206", "info", "Key in a file", "Issue one instead (forebay keys create).", _in_files),
    Rule("FB207", "warning", "Key in use ends soon", "Rotate it in time (forebay keys rotate --grace).", _ending),
)
