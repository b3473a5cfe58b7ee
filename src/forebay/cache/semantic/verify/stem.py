"""One form for the forms of a word, and for the words that may stand for each other."""

import re
from functools import lru_cache
from typing import Final

from forebay.cache.semantic.verify import lexicon

_VOWELS: Final = frozenset("aeiouy")
_LEAST: Final = 3
_SPELLINGS: Final = (
    (re.compile(r"(?<=\w{3})is(?=(?:e|es|ed|ing|ation|ations)$)"), "iz"),
    (re.compile(r"(?<=\w\w)our(?=$|s$|ed$|ing$|ite|able)"), "or"),
    (re.compile(r"(?<=\w[bt])re(?=s?$)"), "er"),
)


@lru_cache(maxsize=16384)
def canonical(word: str) -> str:
    """``word`` without its ending, or the first of its synonyms."""
    return _FIRST.get(stem(word), stem(word))


def stem(word: str) -> str:
    """``word`` without what marks number or tense; no word itself: ``making`` and ``make`` are both ``mak``."""
    if word in lexicon.IRREGULAR:
        return _without_e(lexicon.IRREGULAR[word])
    word = _american(word)
    if not word.isascii() or not word.isalpha():
        return word
    return _without_e(_without_tense(_singular(word)))


def _american(word: str) -> str:
    for british, american in _SPELLINGS:
        word = british.sub(american, word)
    return word


def _singular(word: str) -> str:
    if len(word) <= _LEAST or not word.endswith("s") or word.endswith(("ss", "us", "is", "as", "os")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses", "zes")):
        return word[:-2]
    return word[:-1]


def _without_tense(word: str) -> str:
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= _LEAST and _VOWELS.intersection(rest):
            return _single(rest)
    return word


def _single(word: str) -> str:
    """``stopp`` is ``stop``, but ``fall`` stays."""
    return word[:-1] if word[-1] == word[-2] and word[-1] not in "lsz" else word


def _without_e(word: str) -> str:
    if len(word) <= _LEAST:
        return word
    return word[:-1] + "i" if word.endswith("y") else word.removesuffix("e")


_FIRST: Final = {stem(word): stem(group[0]) for group in lexicon.SYNONYMS for word in group}
