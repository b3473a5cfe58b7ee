"""Text that is no language: keys hit at random, noise out of a broken encoding, one sign over and over.

Letters of the Latin script are judged by how rarely two of them follow each other that way in words (a table of English
words, of which other languages written in Latin letters are not far); other scripts only by repetition.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Annotated

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import PASSED, Action, Context, Verdict
from forebay.guards.function import Judged
from forebay.guards.validators.words.folding import Folding
from forebay.plugins import GuardPlugin, GuardTools

FILE = "bigrams.txt"
AT_ONCE = 200
MAX_LOOKED_AT = 20_000
WORD = re.compile(r"(?<![\w/.=+-])[a-z]{4,30}(?![\w/=+-])")
REPEATED = re.compile(r"(\S)\1{14,}")
MAX_REPEATED = 0.5
_folding = Folding()


class GibberishSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which ``share`` of the words must be unlikely, in texts of at least ``min_words`` words of four letters."""

    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.4
    min_words: Annotated[int, msgspec.Meta(ge=1)] = 3


@cache
def unlikely() -> frozenset[str]:
    """The pairs of letters that hardly any word has."""
    return frozenset(files(__package__).joinpath(FILE).read_text(encoding="ascii").split())


def is_unlikely(word: str) -> bool:
    """Whether a quarter of the pairs of letters in ``word`` hardly occurs in words."""
    pairs = [word[place : place + 2] for place in range(len(word) - 1)]
    return sum(pair in unlikely() for pair in pairs) * 4 >= len(pairs)


def _build(settings: GibberishSettings, _tools: GuardTools) -> Guard:
    def judge(text: str, _context: Context) -> Verdict:
        looked_at = text[:MAX_LOOKED_AT]
        repeated = sum(len(match[0]) for match in REPEATED.finditer(looked_at))
        words = WORD.findall(_folding.word(looked_at))
        share = sum(map(is_unlikely, words)) / len(words) if len(words) >= settings.min_words else 0.0
        if looked_at and repeated > MAX_REPEATED * len(looked_at):
            return Verdict(Action.BLOCK, score=1.0, reason="it repeats one sign")
        if share >= settings.share:
            return Verdict(Action.BLOCK, score=share, reason="it is no language")
        return PASSED

    return Judged(judge, None, AT_ONCE)


plugin = GuardPlugin(GibberishSettings, _build)
