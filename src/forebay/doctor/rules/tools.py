"""Debts of tools: declared and never called, or too many for a model to choose from."""

from collections.abc import Iterator
from typing import Final

from forebay.doctor.facts import Facts
from forebay.doctor.rule import Rule, Spot

_OFTEN: Final = 20
_MANY: Final = 20


def _never_called(facts: Facts) -> Iterator[Spot]:
    for name, use in facts.tools.items():
        if use.offered >= _OFTEN and not use.called:
            yield Spot(
                f"tools.{name}",
                f"was offered {use.offered} times and never called, and is paid for as prompt each time",
            )


def _sprawl(facts: Facts) -> Iterator[Spot]:
    for latest, _ in facts.latest_prompts():
        tools = latest.draft.parameters.get("tools")
        if isinstance(tools, list) and len(tools) > _MANY:
            yield Spot(
                f"prompts.{latest.draft.id}",
                f"{latest.name} declares {len(tools)} tools: models choose worse among so many",
            )


RULES: Final = (
    Rule("FB501", "warning", "Tool that is never called", "Declare it no more.", _never_called),
    Rule("FB502", "warning", "Too many tools", f"Declare at most {_MANY} at a time.", _sprawl),
)
