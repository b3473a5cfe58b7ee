"""Debts of models and providers: what is not pinned, has no way out, is not used, or costs nobody knows what."""

import re
from collections.abc import Iterator
from typing import Final

from forebay.doctor.deprecations import deprecation
from forebay.doctor.facts import Facts
from forebay.doctor.rule import Rule, Spot
from forebay.gateway.prices import Prices, price_list
from forebay.settings.schema import WILDCARD

_MOVING: Final = re.compile(r"(?:^|[-:/@])(?:latest|preview|exp|experimental)(?:$|[-:])", re.IGNORECASE)

# 2024-09-12, 20251001, 06-05, 09-2025 or 1206, as vendors write them.
_DATED: Final = re.compile(r"[-@](?:20\d\d-?)?(?:0[1-9]|1[0-2])-?(?:[0-3]\d|20\d\d)(?:$|[-:])")

# What answers there changes when whoever runs the server says so.
_OWN: Final = frozenset({"embedding", "engine", "forebay", "hosted", "lorax", "ollama", "tgi", "vllm"})


def _without_fallback(facts: Facts) -> Iterator[Spot]:
    for name, model in facts.settings.models.items():
        if (
            len(model.deployments) == 1
            and not model.fallbacks.default
            and facts.vendors.get(model.deployments[0].provider)
        ):
            yield Spot(
                f"models.{name}", "one deployment at a vendor answers for it, and nothing else does when it fails"
            )


def _one_vendor(facts: Facts) -> Iterator[Spot]:
    for name, model in facts.settings.models.items():
        others = [
            each
            for other in model.fallbacks.default
            if other in facts.settings.models
            for each in facts.settings.models[other].deployments
        ]
        asked = [*model.deployments, *others]
        providers = {each.provider for each in asked}
        if len(asked) > 1 and len(providers) == 1 and facts.vendors.get(*providers):
            yield Spot(f"models.{name}", f"all that answers for it is at '{asked[0].provider}': one outage takes all")


def _moving(facts: Facts) -> Iterator[Spot]:
    for name, path, each in facts.deployments():
        model, vendor = each.model or name, facts.vendors.get(each.provider, "")
        row = price_list().vendors.get(vendor, {}).get(model)
        if _DATED.search(model) or deprecation(vendor, model) or facts.settings.providers[each.provider].kind in _OWN:
            continue
        if _MOVING.search(model):
            yield Spot(path, f"'{model}' is another model whenever its vendor says so")
        elif row is not None and row.alias:
            yield Spot(path, f"'{model}' has no date: its vendor may put another model behind the name")


def _deprecated(facts: Facts) -> Iterator[Spot]:
    for name, path, each in facts.deployments():
        found = deprecation(facts.vendors.get(each.provider, ""), each.model or name)
        if found is not None:
            when = f"was shut down on {found.ends}" if found.ended(facts.now) else f"will be shut down on {found.ends}"
            yield Spot(path, f"'{each.model or name}' {when}")


def _unused(facts: Facts) -> Iterator[Spot]:
    asked = {row.model for row in facts.rows}
    needed = {other for model in facts.settings.models.values() for other in model.fallbacks.default}
    for name in facts.settings.models:
        if facts.is_used and name not in needed and not any(_offers(name, model) for model in asked):
            yield Spot(f"models.{name}", "nobody has asked for it in the last weeks")


def _offers(name: str, asked: str) -> bool:
    return asked.startswith(name.removesuffix("*")) if name.endswith(WILDCARD) else asked.partition(":")[0] == name


def _unpriced(facts: Facts) -> Iterator[Spot]:
    prices = Prices(facts.settings.prices, facts.vendors)
    told: set[tuple[str, str]] = set()
    for name, path, each in facts.deployments():
        model, vendor = each.model or name, facts.vendors.get(each.provider, "")
        end = deprecation(vendor, model)
        if not vendor or "*" in model or (each.provider, model) in told or (end is not None and end.ended(facts.now)):
            continue
        if prices.of(each.provider, model) is None:
            told.add((each.provider, model))
            yield Spot(path, f"nobody knows what a token of '{model}' costs")


def _wildcard(facts: Facts) -> Iterator[Spot]:
    for name, model in facts.settings.models.items():
        if name.endswith(WILDCARD) and facts.vendors.get(model.deployments[0].provider):
            yield Spot(f"models.{name}", "whatever the vendor offers, next year's dearest model too, may be asked for")


def _orphans(facts: Facts) -> Iterator[Spot]:
    used = {each.provider for _, _, each in facts.deployments()} | set(facts.settings.files.values())
    for name in facts.settings.providers:
        if name not in used:
            yield Spot(f"providers.{name}", "no model is at this provider")


def _twins(facts: Facts) -> Iterator[Spot]:
    seen: dict[object, str] = {}
    for name, model in facts.settings.models.items():
        same = tuple((each.provider, each.model or name) for each in model.deployments)
        if (first := seen.setdefault(same, name)) != name:
            yield Spot(f"models.{name}", f"is the same as '{first}' under another name")


RULES: Final = (
    Rule(
        "FB101",
        "warning",
        "Model without a fallback",
        "Add a second deployment, or the model's 'fallbacks: {default: [OTHER]}'.",
        _without_fallback,
    ),
    Rule(
        "FB102",
        "warning",
        "Model that is not pinned",
        "Name a version with a date, and move on by a decision.",
        _moving,
    ),
    Rule(
        "FB103",
        "error",
        "Deprecated model",
        "Move to the vendor's successor; compare both by 'forebay eval'.",
        _deprecated,
    ),
    Rule(
        "FB104", "warning", "Unused model", "Remove it: what nobody asks for is attack surface and confusion.", _unused
    ),
    Rule("FB105", "warning", "Model without a price", "Tell its price in 'prices'.", _unpriced),
    Rule("FB106", "warning", "Everything a vendor has is offered", "List the models that are meant.", _wildcard),
    Rule("FB107", "info", "All at one vendor", "Add a fallback at another provider.", _one_vendor),
    Rule("FB108", "info", "Provider that nobody uses", "Remove it, and its key.", _orphans),
    Rule("FB109", "info", "Two names for one model", "Keep one of the names.", _twins),
)
