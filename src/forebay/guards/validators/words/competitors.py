"""Names of competitors, which an assistant is not to mention."""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from forebay.core.ports import Guard
from forebay.guards.function import Judged
from forebay.guards.validators.base import masking
from forebay.guards.validators.words.ban_list import AT_ONCE, Word
from forebay.guards.validators.words.finder import WordFinder
from forebay.plugins import GuardPlugin, GuardTools


class CompetitorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The competitors: each name with the others that the same one goes by (products, short forms, domains)."""

    names: Annotated[Mapping[Word, tuple[Word, ...]], msgspec.Meta(min_length=1)]
    replacement: str = "[competitor]"


def _build(settings: CompetitorSettings, _tools: GuardTools) -> Guard:
    words = [word for name, others in settings.names.items() for word in (name, *others)]
    finder = WordFinder(words, "competitor", replacement=settings.replacement)
    return Judged(masking(finder, "it names a competitor"), finder.lookbehind, AT_ONCE)


plugin = GuardPlugin(CompetitorSettings, _build)
