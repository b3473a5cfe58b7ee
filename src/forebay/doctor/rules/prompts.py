"""Debts of prompts: stuffed, grown, unused, or the same thing twice."""

import difflib
from collections.abc import Iterator
from itertools import combinations, islice
from typing import Final

from forebay.core.prompts import PRODUCTION, Draft
from forebay.doctor.facts import Facts
from forebay.doctor.rule import Rule, Spot
from forebay.gateway.prompts.lint import findings, tokens
from forebay.settings import PromptSettings
from forebay.settings.schema import WILDCARD

_GROWN: Final = 1.5
_SMALL_TOKENS: Final = 40
_ALIKE: Final = 0.95
_MOST_PAIRS: Final = 2000
_LENGTH: Final = ("over-budget", "may-exceed-budget")


def _lint(facts: Facts, *, about_length: bool) -> Iterator[Spot]:
    budget = (facts.settings.prompts or PromptSettings()).budget
    for latest, _ in facts.latest_prompts():
        for found in findings(latest.draft, budget):
            if (found.rule in _LENGTH) == about_length:
                yield Spot(f"prompts.{latest.draft.id}", f"{latest.name} {found.message} ({found.rule})")


def _stuffed(facts: Facts) -> Iterator[Spot]:
    return _lint(facts, about_length=True)


def _doubtful(facts: Facts) -> Iterator[Spot]:
    return _lint(facts, about_length=False)


def _grown(facts: Facts) -> Iterator[Spot]:
    for latest, before in facts.latest_prompts():
        first, now = (tokens(before[0].draft) if before else 0), tokens(latest.draft)
        if before and now > _SMALL_TOKENS and now > first * _GROWN:
            yield Spot(
                f"prompts.{latest.draft.id}",
                f"about {first} tokens have become {now} since version {before[0].version}",
            )


def _unused(facts: Facts) -> Iterator[Spot]:
    used = {row.prompt.rpartition("@")[0] for row in facts.rows}
    for latest, _ in facts.latest_prompts():
        if facts.is_used and latest.draft.id not in used:
            yield Spot(f"prompts.{latest.draft.id}", "no request has named it in the last weeks")


def _unlabelled(facts: Facts) -> Iterator[Spot]:
    labelled = {(label.tenant, label.id) for label in facts.prompts.labels if label.name == PRODUCTION}
    for latest, before in facts.latest_prompts():
        if before and (latest.tenant, latest.draft.id) not in labelled:
            yield Spot(f"prompts.{latest.draft.id}", f"has no label '{PRODUCTION}': each new version is live at once")


def _unknown_model(facts: Facts) -> Iterator[Spot]:
    names = facts.settings.models
    for latest, _ in facts.latest_prompts():
        model = latest.draft.model
        base = model.rpartition(":")[0]
        wild = any(name.endswith(WILDCARD) and model.startswith(name.removesuffix("*")) for name in names)
        if model and model not in names and base not in names and not wild:
            yield Spot(f"prompts.{latest.draft.id}", f"{latest.name} asks for '{model}', which is not offered")


def _twins(facts: Facts) -> Iterator[Spot]:
    latest = [each.draft for each, _ in facts.latest_prompts()]
    for one, other in islice(combinations(latest, 2), _MOST_PAIRS):
        if _alike(_text(one), _text(other)):
            yield Spot(f"prompts.{other.id}", f"says nearly the same as '{one.id}'")


def _text(draft: Draft) -> str:
    return "\n".join(message.content for message in draft.messages)[:4000]


def _alike(one: str, other: str) -> bool:
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    if len(one) < _SMALL_TOKENS or matcher.real_quick_ratio() < _ALIKE or matcher.quick_ratio() < _ALIKE:
        return False
    return matcher.ratio() >= _ALIKE


RULES: Final = (
    Rule("FB401", "warning", "Prompt over its budget", "Shorten it, or give it a 'budget' of its own.", _stuffed),
    Rule("FB402", "warning", "Prompt that has grown", "Compare the versions (forebay prompts diff), and cut.", _grown),
    Rule("FB403", "info", "Doubtful prompt", "See forebay prompts lint.", _doubtful),
    Rule("FB404", "info", "Unused prompt", "Remove its file, or use it.", _unused),
    Rule(
        "FB405", "warning", "Prompt without a label", f"Label the version that is meant as '{PRODUCTION}'.", _unlabelled
    ),
    Rule(
        "FB406",
        "error",
        "Prompt for a model that is not offered",
        "Add the model, or change the prompt's.",
        _unknown_model,
    ),
    Rule("FB407", "info", "Two prompts that say the same", "Make one of them, with a variable.", _twins),
)
