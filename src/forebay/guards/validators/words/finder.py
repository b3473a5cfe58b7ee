"""Finds any of many words in one pass over a text.

Source: A. Aho and M. Corasick, "Efficient string matching: an aid to bibliographic search" (1975); pyahocorasick.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import ahocorasick

from forebay.core.verdicts import Span
from forebay.guards.validators.words.folding import MAX_IGNORED, Folding

MAX_WORD = 100


class WordFinder:
    """The places of ``words`` in a text, each as a `Span` of its ``kind``.

    ``whole``: not inside of longer words. ``more``: further replacements for `Folding`.

    Raises:
        ValueError: a word is longer than `MAX_WORD`, or nothing is left of it when it is folded.
    """

    def __init__(
        self,
        words: Iterable[str],
        kind: str,
        *,
        whole: bool = True,
        replacement: str | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self._folding = Folding(more)
        self._kind = kind
        self._whole = whole
        self._replacement = replacement
        self._automaton = ahocorasick.Automaton()
        longest = 0
        for word in words:
            folded = self._folding.word(word.strip())
            if not folded or len(word) > MAX_WORD:
                raise ValueError(f"a word needs letters or digits, and at most {MAX_WORD} characters: '{word[:20]}'")
            self._automaton.add_word(folded, len(folded))
            longest = max(longest, len(folded))
        self._automaton.make_automaton()
        self.lookbehind = (longest + 1) * (MAX_IGNORED + 1)

    def __call__(self, text: str) -> Sequence[Span]:
        """All of them, by where they end; they may overlap."""
        return list(self._all(text))

    def _all(self, text: str) -> Iterator[Span]:
        folded, places = self._folding.fold(text)
        for last, length in self._automaton.iter(folded):
            first, behind = last + 1 - length, last + 1
            if places is None:
                start, end, before, after = first, behind, first - 1, behind
            else:
                start, end = places[first], places[last] + 1
                before = places[first - 1] if first else -1
                after = places[behind] if behind < len(places) else len(text)
            if self._whole and ((before >= 0 and text[before].isalnum()) or text[after : after + 1].isalnum()):
                continue
            yield Span(start, end, self._kind, self._replacement)
