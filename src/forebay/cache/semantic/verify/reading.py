"""What the verification sees in a text: its numbers, its negations, what it asks for, and its words that carry meaning.

A reading is made of a normalised text (see `normalise`) and holds nothing of the other text of the comparison.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from forebay.cache.semantic.verify import lexicon
from forebay.cache.semantic.verify.asking import asked_for
from forebay.cache.semantic.verify.stem import canonical

_TOKEN: Final = re.compile(
    r"\d+(?:[.,:]\d+)*(?:st|nd|rd|th)?(?![^\W_])|\d+(?:[.,]\d+)*|[^\W\d_]+(?:\+\+|#)?(?:'[^\W\d_]+)?|"
    r"[%$€£¥+*/=<>^&|~-]|(?<=\d)!|(?<=[\d+*/=-])[()]|[()](?=[\d+*/=-])"
)
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?:\D|$))")
_ORDINAL: Final = re.compile(r"(\d+)(?:st|nd|rd|th)$")
# Between words; between numbers and single letters they are signs.
_HYPHEN: Final = re.compile(r"(?<=[^\W\d]{2})[-/](?=\w)|(?<=\w)[-/](?=[^\W\d]{2})")
_CAPITALS: Final = re.compile(r"\w*[A-Z]\w*")
_LETTER: Final = re.compile(r"(?<![\w'])[b-hj-z](?![\w'])", re.IGNORECASE)
_LISTED: Final = re.compile(r",(?=\s)")


class Content(NamedTuple):
    """A word that carries meaning: in its canonical form, as it is written, and the preposition it hangs on."""

    form: str
    written: str
    marker: str


class Reading(NamedTuple):
    """One text, read."""

    words: tuple[str, ...]
    content: tuple[Content, ...]
    light: frozenset[str]
    numbers: tuple[str, ...]
    negations: int
    asks: str
    capitals: tuple[str, ...]
    """The words whose case the normaliser kept, in alphabetical order."""
    joined: frozenset[int]
    """The places in ``content`` before which a conjunction stands: what is on its sides may change places."""


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """Read a normalised text."""
    words = tuple(_tokens(text))
    named = bool(_LETTER.search(text))
    content: list[Content] = []
    light, numbers, joined, marker = set(), [], set(), ""
    for word, after in zip(words, (*words, "")[1:], strict=True):
        number = _number(word)
        if number is not None:
            numbers.append(number)
        elif word == "a" and (named or _is_name(after)):
            content.append(Content(word, word, marker))
        elif word in lexicon.CONJUNCTIONS or word in ",&":
            joined.add(len(content))
            marker = ""
        elif word in lexicon.PREPOSITIONS:
            marker = word
        elif word in lexicon.LIGHT:
            light.add(word)
        elif word in lexicon.FUNCTION:
            marker = marker if word in lexicon.DETERMINERS or word in lexicon.PRONOUNS else ""
        else:
            content.append(Content(canonical(word), word, marker))
    negations = sum(word in lexicon.NEGATORS for word in words)
    capitals = tuple(sorted(_CAPITALS.findall(text)))
    return Reading(
        words,
        tuple(content),
        frozenset(light),
        tuple(numbers),
        negations,
        asked_for(words),
        capitals,
        frozenset(joined),
    )


def _is_name(after: str) -> bool:
    """Whether an "a" before ``after`` is no article, as in "plan a" and "from a to b"."""
    return not after or after in lexicon.CONJUNCTIONS or after in lexicon.PREPOSITIONS or after in lexicon.AUXILIARIES


def _tokens(text: str) -> Iterator[str]:
    plain = _LISTED.sub(" and ", _HYPHEN.sub(" ", _THOUSANDS.sub("", text.lower())))
    for token in _TOKEN.findall(plain):
        yield token.removesuffix("'s").removesuffix("'")


def _number(word: str) -> str | None:
    """The number that ``word`` is, in one spelling; ordinals end in a dot."""
    if word[0].isdigit():
        ordinal = _ORDINAL.match(word)
        return f"{int(ordinal[1])}." if ordinal else word.lstrip("0") or "0"
    return (
        lexicon.SMALL_NUMBERS.get(word)
        or lexicon.ORDINALS.get(word)
        or lexicon.ROMAN.get(word)
        or (word.rstrip("s") if word.rstrip("s") in lexicon.LARGE_NUMBERS else None)
    )
