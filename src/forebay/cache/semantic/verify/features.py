"""What the second check weighs: figures of a pair that no rule has told apart. Their order is that of the artefact."""

from collections.abc import Sequence
from typing import Final

from forebay.cache.semantic.verify import lexicon
from forebay.cache.semantic.verify.reading import Reading

NAMES: Final = (
    "cosine",
    "content",
    "light_apart",
    "light_most",
    "light_common",
    "light_verbs_apart",
    "function_apart",
    "function_most",
    "prepositions_apart",
    "auxiliaries_apart",
    "pronouns_apart",
    "question_apart",
    "same_kind",
    "asks_how",
    "asks_what",
    "length",
    "length_apart",
    "overlap",
    "moved",
    "markers_apart",
)
"""``apart`` counts what stands in one text only, ``most`` what the fuller of the two has more."""


def features(one: Reading, other: Reading, cosine: float) -> list[float]:
    """The figures of `NAMES`; which text is which makes no difference."""
    here, there = set(one.words), set(other.words)
    light = one.light ^ other.light
    function_here, function_there = here & lexicon.FUNCTION, there & lexicon.FUNCTION
    kinds = {one.asks, other.asks}
    pairs = zip(one.content, other.content, strict=False)
    return [
        cosine,
        min(len(one.content), len(other.content)),
        len(light),
        max(len(one.light - other.light), len(other.light - one.light)),
        len(one.light & other.light),
        len(light & lexicon.LIGHT_VERBS),
        len(function_here ^ function_there),
        max(len(function_here - function_there), len(function_there - function_here)),
        _apart(one, other, lexicon.PREPOSITIONS),
        _apart(one, other, lexicon.AUXILIARIES),
        _apart(one, other, lexicon.PRONOUNS),
        _apart(one, other, lexicon.QUESTION),
        len(kinds) == 1,
        "how" in kinds,
        "what" in kinds,
        min(len(one.words), len(other.words)),
        abs(len(one.words) - len(other.words)),
        len(here & there) / max(len(here | there), 1),
        _forms(one) != _forms(other),
        sum(left.marker != right.marker for left, right in pairs),
    ]


def _apart(one: Reading, other: Reading, kind: frozenset[str]) -> int:
    return len((set(one.words) ^ set(other.words)) & kind)


def _forms(text: Reading) -> Sequence[str]:
    return [content.form for content in text.content]
