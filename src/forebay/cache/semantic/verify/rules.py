"""The rules: each says whether two texts that lie near each other ask for different things after all.

A rule sees both readings and treats them alike: which of the two was asked and which is stored makes no difference.
They are written so that what they do not know counts as a difference.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Final

from forebay.cache.semantic.verify.antonyms import opposed
from forebay.cache.semantic.verify.lexicon import words
from forebay.cache.semantic.verify.reading import Content, Reading

Rule = Callable[[Reading, Reading], bool]

_SAME_QUESTION: Final = ({"how", "what"}, {"what", "tell"}, {"how", "tell"})
_RARE: Final = words("who where when why")
_TENSES: Final = (words("was were did had"), frozenset({"will", "shall"}))
_PERSONS: Final = {
    **dict.fromkeys(("he", "him", "his", "himself"), "he"),
    **dict.fromkeys(("she", "her", "hers", "herself"), "she"),
    **dict.fromkeys(("they", "them", "their", "theirs"), "they"),
    **dict.fromkeys(("i", "me", "my", "mine", "myself"), "i"),
    **dict.fromkeys(("you", "your", "yours", "yourself"), "you"),
}
_POSSESSIVES: Final = words("my your his her their our")
_MODALS: Final = {"can": "can", "could": "can", "should": "should", "ought": "should", "must": "must", "may": "may"}
_EXACT: Final = words(
    "january february march april may june july august september october november december monday tuesday wednesday "
    "thursday friday saturday sunday all only every always least last next both half without before after "
    "until since except than"
)
_SIGNS: Final = words("% $ € £ ¥ + - * / = < > ^ | ~ ! ( )")
_SOFT: Final = words("of for in on about")
_TIMELESS: Final = frozenset({"how", "why"})


def numbers(one: Reading, other: Reading) -> bool:
    """Other numbers, or in another order."""
    return one.numbers != other.numbers


def case(one: Reading, other: Reading) -> bool:
    """A word has a capital in one text only, and that makes it another word."""
    return one.capitals != other.capitals


def negation(one: Reading, other: Reading) -> bool:
    """One denies what the other does not."""
    return one.negations != other.negations


def antonyms(one: Reading, other: Reading) -> bool:
    """A word of one has its opposite in the other."""
    here, there = _only(one.words, other.words), _only(other.words, one.words)
    return any(opposed(word, against) for word in here for against in there)


def question(one: Reading, other: Reading) -> bool:
    """They ask for another kind of thing."""
    kinds = {one.asks, other.asks}
    if len(kinds) > 1 and kinds not in _SAME_QUESTION:
        return True
    # "What is it, and why?" asks for no more than a good answer to the first half has.
    return _RARE.intersection(one.words[:-1]) != _RARE.intersection(other.words[:-1])


def exact_words(one: Reading, other: Reading) -> bool:
    """One has a month, a day, a quantifier or a sign that the other lacks, or the signs stand in another order."""
    here, there = ([word for word in text.words if word in _SIGNS] for text in (one, other))
    return here != there or _count(one.words, _EXACT) != _count(other.words, _EXACT)


def tense(one: Reading, other: Reading) -> bool:
    """One is about what was or will be; a way or a reason is seldom another for that."""
    if {one.asks, other.asks} <= _TIMELESS or "would" in one.words or "would" in other.words:
        return False
    return any(marks.isdisjoint(one.words) != marks.isdisjoint(other.words) for marks in _TENSES)


def modality(one: Reading, other: Reading) -> bool:
    """One asks what is possible, the other what is right."""
    here, there = ({_MODALS[word] for word in text.words if word in _MODALS} for text in (one, other))
    return bool(here and there) and here != there


def persons(one: Reading, other: Reading) -> bool:
    """Somebody else is asked about, or two persons have changed their roles."""
    here, there = (tuple(_PERSONS[word] for word in text.words if word in _PERSONS) for text in (one, other))
    if any((who in here) != (who in there) for who in ("he", "she", "they")):
        return True
    if {"i", "you"} <= set(here) & set(there) and [*dict.fromkeys(here)] != [*dict.fromkeys(there)]:
        return True
    mine, yours = (_POSSESSIVES.intersection(text.words) for text in (one, other))
    return bool(mine and yours) and mine != yours and {one.asks, other.asks} != {"how"}


def wording(one: Reading, other: Reading) -> bool:
    """A word that carries meaning stands in one text only."""
    return Counter(_forms(one)) != Counter(_forms(other))


def order(one: Reading, other: Reading) -> bool:
    """The same words, but what stood first now stands second."""
    if _turned(one, other) or _turned(other, one):
        return False
    there = dict(zip(_numbered(other), enumerate(other.content), strict=True))
    shared = [
        (content, there[form]) for form, content in zip(_numbered(one), one.content, strict=True) if form in there
    ]
    return any(
        place > after and not (_stays(first, here) and _stays(second, beside) and first.marker != second.marker)
        for (first, (place, here)), (second, (after, beside)) in combinations(shared, 2)
    )


RULES: Final[tuple[Rule, ...]] = (
    numbers, case, negation, antonyms, question, exact_words, tense, modality, persons, wording, order,
)  # fmt: skip


def broken(one: Reading, other: Reading, rules: Iterable[Rule] = RULES) -> str | None:
    """The name of the first rule that tells the two apart; ``None`` if none does."""
    return next((rule.__name__ for rule in rules if rule(one, other)), None)


def _only(words: Sequence[str], others: Sequence[str]) -> set[str]:
    return set(words).difference(others)


def _count(words: Sequence[str], of: frozenset[str]) -> Counter[str]:
    return Counter(word for word in words if word in of)


def _forms(text: Reading) -> list[str]:
    return [content.form for content in text.content]


def _numbered(text: Reading) -> list[tuple[str, int]]:
    """The forms, each with how often it stood there before."""
    seen: Counter[str] = Counter()
    numbered = []
    for form in _forms(text):
        numbered.append((form, seen[form]))
        seen[form] += 1
    return numbered


def _stays(here: Content, there: Content) -> bool:
    """Whether a word hangs on the same preposition, which says what it is there for, wherever it stands."""
    return here.marker == there.marker


def _turned(one: Reading, other: Reading) -> bool:
    """Whether ``other`` is ``one`` but for two neighbouring parts that may change places."""
    here, there = _forms(one), _forms(other)
    if len(here) != len(there):
        return False
    return any(
        here[:begin] + here[middle:end] + here[begin:middle] + here[end:] == there
        and (_commutes(one, other, begin, middle, end) or _compounds(one, other, begin, middle, end))
        for begin, middle, end in combinations(range(len(here) + 1), 3)
    )


def _commutes(one: Reading, other: Reading, begin: int, middle: int, end: int) -> bool:
    """``cats and dogs``, ``dogs and cats``."""
    return middle in one.joined and begin + end - middle in other.joined


def _compounds(one: Reading, other: Reading, begin: int, middle: int, end: int) -> bool:
    """``a broker for options``, ``an options broker``: the preposition between the two parts goes, no other comes."""
    before, after = one.content[begin].marker, one.content[middle].marker
    plain = {content.marker for content in other.content[begin:end]}
    return after in _SOFT and after != before and plain == {before} and begin + end - middle not in other.joined
