"""Words that nobody may say here."""

from typing import Annotated

import msgspec

from forebay.core.ports import Guard
from forebay.guards.function import Judged
from forebay.guards.validators.base import masking
from forebay.guards.validators.words.finder import MAX_WORD, WordFinder
from forebay.plugins import GuardPlugin, GuardTools

AT_ONCE = 2_000  # characters, of which usual ones take 0.01 ms; handing them to a thread takes 0.05 ms

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_WORD)]


class BanListSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``words``, or phrases; ``replacement`` is what takes their place where they are masked.

    ``whole_words: false`` finds them inside of other words too.
    """

    words: Annotated[tuple[Word, ...], msgspec.Meta(min_length=1)]
    whole_words: bool = True
    replacement: str | None = None


def _build(settings: BanListSettings, _tools: GuardTools) -> Guard:
    finder = WordFinder(settings.words, "banned", whole=settings.whole_words, replacement=settings.replacement)
    return Judged(masking(finder, "it holds a banned word"), finder.lookbehind, AT_ONCE)


plugin = GuardPlugin(BanListSettings, _build)
