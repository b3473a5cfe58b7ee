"""Swearing and insults in English, by a word list: quick, and weak.

It finds words, not meaning: an insult without a bad word passes, a quotation does not. For anything that matters ask a
model (kind ``judge``); figures are in ``docs/validators.md``.
"""

from functools import cache
from importlib.resources import files
from typing import Annotated

import msgspec

from forebay.core.ports import Guard
from forebay.guards.function import Judged
from forebay.guards.validators.base import masking
from forebay.guards.validators.words.ban_list import AT_ONCE, Word
from forebay.guards.validators.words.finder import WordFinder
from forebay.guards.validators.words.folding import LEET
from forebay.plugins import GuardPlugin, GuardTools

FILE = "profanity.txt"
ENDINGS = ("", "s", "es", "ed", "er", "ers", "ing", "in", "y")


class ProfanitySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words that count besides the list's (``more``), and words of the list that do not (``allow``)."""

    more: tuple[Word, ...] = ()
    allow: tuple[Word, ...] = ()
    replacement: Annotated[str, msgspec.Meta(max_length=100)] = "***"


@cache
def listed() -> tuple[str, ...]:
    """The list's words, each with its usual endings."""
    text = files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    stems = [line for line in text.splitlines() if line and not line.startswith("#")]
    return tuple(f"{stem}{ending}" for stem in stems for ending in (("",) if " " in stem else ENDINGS))


def _build(settings: ProfanitySettings, _tools: GuardTools) -> Guard:
    allowed = {word.casefold() for word in settings.allow}
    words = [word for word in (*listed(), *settings.more) if word.casefold() not in allowed]
    finder = WordFinder(words, "profanity", replacement=settings.replacement, more=LEET)
    return Judged(masking(finder, "it holds profanity"), finder.lookbehind, AT_ONCE)


plugin = GuardPlugin(ProfanitySettings, _build)
