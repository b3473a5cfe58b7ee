"""What is doubtful about a prompt that works: too long, or with parts that do nothing."""

from collections.abc import Iterator
from typing import Final

import msgspec

from forebay.core.prompts import Draft
from forebay.gateway.prompts.variables import PLACE, used

CHARACTERS_PER_TOKEN: Final = 4
"""About what tokenizers of today make of English; a count by a model's own would take the model."""

REPEATED_CHARACTERS: Final = 80
"""A shorter paragraph may well stand in a prompt twice."""


class Finding(msgspec.Struct, frozen=True):
    """One doubt about a prompt, by the name of its rule."""

    rule: str
    message: str


def tokens(draft: Draft) -> int:
    """About how many tokens the prompt has without the values of its variables."""
    characters = sum(len(PLACE.sub("", message.content)) for message in draft.messages)
    return -(-characters // CHARACTERS_PER_TOKEN)


def findings(draft: Draft, budget: int) -> Iterator[Finding]:
    """Everything doubtful about ``draft``; ``budget`` is the tokens that it may have, if it does not say so itself."""
    yield from _budget(draft, draft.budget or budget)
    yield from _variables(draft)
    yield from _texts(draft)


def _budget(draft: Draft, budget: int) -> Iterator[Finding]:
    fixed = tokens(draft)
    if fixed > budget:
        yield Finding("over-budget", f"has about {fixed} tokens, {budget} are its budget: shorten it, or say 'budget'")
        return
    sizes = [draft.variables[name].get("maxLength", 0) * times for name, times in used(draft.messages).items()]
    most = fixed + -(-sum(sizes) // CHARACTERS_PER_TOKEN)
    if most > budget:
        yield Finding(
            "may-exceed-budget", f"may have about {most} tokens with the longest values, {budget} are its budget"
        )


def _variables(draft: Draft) -> Iterator[Finding]:
    places = used(draft.messages)
    for name, schema in draft.variables.items():
        if name not in places:
            yield Finding("unused-variable", f"the variable '{name}' stands in no message: remove it")
        elif schema.get("type", "string") == "string" and not {"maxLength", "enum", "const"} & schema.keys():
            yield Finding("unbounded-variable", f"the variable '{name}' may have any length: give it a 'maxLength'")


def _texts(draft: Draft) -> Iterator[Finding]:
    seen: set[str] = set()
    for message in draft.messages:
        rest = PLACE.sub("", message.content)
        if "{{" in rest or "{%" in rest:
            yield Finding("stray-braces", "has '{{' or '{%' that is no variable: it is sent as it stands")
        if not message.content.strip():
            yield Finding("empty-message", f"has an empty message of the {message.role}: remove it")
        for paragraph in (" ".join(each.split()) for each in message.content.split("\n\n")):
            if len(paragraph) >= REPEATED_CHARACTERS and paragraph in seen:
                yield Finding("repeated-text", f"says twice: '{paragraph[:40]}…'")
            seen.add(paragraph)
