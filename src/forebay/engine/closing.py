"""Finds a short way to the end of what a grammar has begun, so that an answer can be whole however few tokens are left.

From any state of a matcher the search takes one token after the other: one that closes something where there is one,
else the smallest value, else whatever leads to new ground; where that takes too many, its text is spelt in fewer.
It looks no further ahead than one token, so the text is short but not always the shortest, and for odd regular
expressions it may find none.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher

from forebay.engine.spelling import Spelling

Bits = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]

# What ends JSON soonest, best first; of one kind the longest token is the best. Inside of a string:
_IN_TEXT: Final = (rb'"[\]}]+', rb'"', rb'","')
# Outside, first what closes:
_CLOSERS: Final = (rb"[\]}]+", rb'(""|\[\]|\{\})[\]}]*')
_BETWEEN: Final = (
    rb'"', rb',"', rb",", rb'":(""|\[\]|\{\})[\]}]*', rb'":"', rb'":\[["{\[]?', rb'":\{"?', rb'":', rb":",
    rb"[1-9]", rb"0", rb"null", rb"true",
)  # fmt: skip
_NESTED: Final = (rb"[\[{]",)
_LITERALS: Final = (rb"n", rb"t")  # Where a value may be nested they begin "null" and "true", which end sooner.
_USEFUL: Final = re.compile(rb"[!-\[\]-~]+")
_TEXT: Final = 512  # So many tokens, or half of them all, are legal only inside of a string.
_FEW: Final = 32  # So few are left where the grammar spells something out.
_NEAR: Final = 1  # The text can be closed behind a token: no look at others is needed.
_FAR: Final = 4  # It is a place like one before.
_LONGEST: Final = 4096  # So many of the longest tokens are candidates.
_SPELT_TIMES: Final = 4  # A way so many times longer than the limit may have a text that can be spelt within it.
_NEARBY: Final = 8  # So many tokens of a known way may be left out to join it.
_LOOKS: Final = 2048  # So many tokens are tried in all by looking at what follows them.


class Closing:
    """Searches in a vocabulary: ``names`` are each token's bytes, ``special`` ones are no text, ``end`` ends a text."""

    def __init__(self, names: Sequence[bytes], special: frozenset[int], end: int) -> None:
        self._end = end
        self._spelling = Spelling(names, special)
        text = [b"" if token in special else name for token, name in enumerate(names)]
        # Spaces lead nowhere, an escape or half a character only further away from the end.
        useful = [_USEFUL.fullmatch(name) is not None for name in text]
        self._lengths = np.array([len(name) if use else 0 for name, use in zip(text, useful, strict=True)])
        self._text = min(_TEXT, len(text) // 2)
        self._letters: Numbers = np.flatnonzero(self._lengths == 1)
        self._longest: Numbers = np.argsort(-self._lengths, kind="stable")[:_LONGEST]
        self._in_text = _ranked(text, _IN_TEXT)
        self._closers = _ranked(text, _CLOSERS)
        self._between = _ranked(text, _CLOSERS + _BETWEEN)
        self._nested = _ranked(text, _NESTED)
        self._literals = _ranked(text, _LITERALS)

    def way(self, state: LLMatcher, limit: int, known: Sequence[int] = ()) -> list[int] | None:
        """At most ``limit`` tokens after which the grammar is satisfied; ``None`` where none were found.

        ``known`` is a way from nearby: where the rest of it leads to the end too, nothing more is searched for.
        ``state`` stays as it is: it is led along the way, because it remembers what it has computed, and back.
        """
        way = self._walked(state, limit * _SPELT_TIMES, known)
        if way is not None and len(way) > limit:
            way = self._spelling.fewest(way)
        return None if way is None or len(way) > limit else way

    def _walked(self, state: LLMatcher, limit: int, known: Sequence[int]) -> list[int] | None:
        if (rest := self._rest(state, known, limit)) is not None:
            return rest
        walk = _Walk(state)
        try:
            while len(walk.way) < limit and walk.looks <= _LOOKS:
                token = self._next(walk)
                if token is None:
                    break
                walk.go(token)
                if (rest := self._rest(state, known, limit - len(walk.way))) is not None:
                    return walk.way + rest
            return None
        finally:
            walk.back()

    def _rest(self, state: LLMatcher, known: Sequence[int], limit: int) -> list[int] | None:
        """The end of the way ``known`` that leads to the end from here, if one does; nothing where that is here."""
        if state.is_accepting():
            return []
        for start in range(min(len(known), _NEARBY)):
            rest = [*known[start:], self._end]
            # An end is legal only where the text is whole.
            if len(rest) <= limit + 1 and state.validate_tokens(rest) == len(rest):
                return rest[:-1]
        return None

    def _next(self, walk: "_Walk") -> int | None:
        token = self._simple(walk)
        return self._nearest(walk) if token is None else token

    def _simple(self, walk: "_Walk") -> int | None:
        """A token that needs no thought, unless the last one of that kind has led nowhere."""
        if walk.stuck:
            return None
        if _count(walk.mask) > self._text:
            return _first(walk.mask, self._in_text)
        token = _first(walk.mask, self._between)
        if token is not None:
            return token
        nested = _first(walk.mask, self._nested)
        literal = None if nested is None else _first(walk.mask, self._literals)
        return nested if literal is None else literal

    def _nearest(self, walk: "_Walk") -> int | None:
        """The token behind which the end is nearest."""
        if walk.stuck and walk.lost:
            # Something is counted that cannot be seen: the length of a text.
            return walk.way[-1]
        best, nearest = None, _FAR + 1
        for token in self._candidates(walk.mask):
            distance = self._distance(walk, token)
            if distance < nearest:
                best, nearest = token, distance
            if distance <= _NEAR:
                break
        walk.lost = nearest == _FAR
        return best

    def _candidates(self, mask: Bits) -> list[int]:
        """Everything if it is little, else the longest token and all single letters."""
        if _count(mask) <= _FEW:
            return sorted(_set(mask), key=lambda token: -int(self._lengths[token]))
        longest = _first(mask, self._longest)
        letters: list[int] = self._letters[_legal(mask, self._letters)].tolist()
        return letters if longest is None else [longest, *letters]

    def _distance(self, walk: "_Walk", token: int) -> int:
        accepting, mask = walk.look(token)
        if accepting:
            return 0
        count = _count(mask)
        if _first(mask, self._in_text if count > self._text else self._closers) is not None:
            return _NEAR
        if walk.knows(mask):
            return _FAR
        return 2 if count <= _FEW else 3


class _Walk:
    """A matcher that is led along a way, and back: what is legal where it stands (``mask``), where it has been.

    It is ``stuck`` where the last token has changed nothing that could be seen, and ``lost`` where no other would have.
    """

    def __init__(self, state: LLMatcher) -> None:
        self.way: list[int] = []
        self.looks = 0
        self.stuck = False
        self.lost = False
        self.mask = _mask(state)
        self._state = state
        self._seen = {self.mask.tobytes()}

    def go(self, token: int) -> None:
        """Take ``token``, which must be legal."""
        self._state.consume_token(token)
        self.way.append(token)
        before, self.mask = self.mask, _mask(self._state)
        self.stuck = np.array_equal(before, self.mask)
        self._seen.add(self.mask.tobytes())

    def look(self, token: int) -> tuple[bool, Bits]:
        """Whether the grammar is satisfied behind ``token``, and what would be legal there."""
        self.looks += 1
        self._state.consume_token(token)
        found = self._state.is_accepting(), _mask(self._state)
        self._state.rollback(1)
        return found

    def knows(self, mask: Bits) -> bool:
        """Whether it has been where ``mask`` is legal, or in a place that looks the same."""
        return mask.tobytes() in self._seen

    def back(self) -> None:
        """Return to the beginning."""
        self._state.rollback(len(self.way))


def _ranked(text: Sequence[bytes], patterns: Sequence[bytes]) -> Numbers:
    ranked: list[int] = []
    for pattern in patterns:
        matches = re.compile(pattern).fullmatch
        ranked += sorted((token for token, name in enumerate(text) if matches(name)), key=lambda each: -len(text[each]))
    return np.array(ranked, np.int64)


def _mask(state: LLMatcher) -> Bits:
    return np.frombuffer(state.compute_bitmask(), np.uint8)


def _count(mask: Bits) -> int:
    return int.from_bytes(mask, "little").bit_count()


def _set(mask: Bits) -> list[int]:
    """The few tokens that are legal."""
    places = np.flatnonzero(mask)
    bits = np.unpackbits(mask[places, None], axis=1, bitorder="little")
    tokens: list[int] = (places[:, None] * 8 + np.arange(8))[bits.astype(bool)].tolist()
    return tokens


def _legal(mask: Bits, tokens: Numbers) -> npt.NDArray[np.bool_]:
    legal: npt.NDArray[np.bool_] = (mask[tokens >> 3] >> (tokens & 7).astype(np.uint8) & 1).astype(bool)
    return legal


def _first(mask: Bits, tokens: Numbers) -> int | None:
    legal = _legal(mask, tokens)
    return int(tokens[legal.argmax()]) if legal.any() else None
