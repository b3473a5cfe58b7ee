"""Finds a short way to the end of what a grammar has begun, so that an answer can be whole however few tokens are left.

From any state of a matcher the search takes one token after the other: one that closes something where there is one,
else the smallest value, else whatever leads to new ground. It looks no further ahead than one token, so the way is
short but not always the shortest, and for odd regular expressions it may find none.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher

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
_USEFUL: Final = re.compile(rb"[!-\[\]-~]+")
_TEXT: Final = 512  # So many tokens, or half of them all, are legal only inside of a string.
_FEW: Final = 32  # So few are left where the grammar spells something out.
_NEAR: Final = 1  # The text can be closed behind a token: no look at others is needed.
_FAR: Final = 4  # It is a place like one before.
_LOOKS: Final = 768  # So many tokens are tried in all by looking at what follows them.


class Closing:
    """Searches in a vocabulary: ``names`` are each token's bytes, ``special`` tokens are no text."""

    def __init__(self, names: Sequence[bytes], special: frozenset[int]) -> None:
        text = [b"" if token in special else name for token, name in enumerate(names)]
        # Spaces lead nowhere, an escape or half a character only further away from the end.
        useful = [_USEFUL.fullmatch(name) is not None for name in text]
        self._lengths = np.array([len(name) if use else 0 for name, use in zip(text, useful, strict=True)])
        self._text = min(_TEXT, len(text) // 2)
        self._letters: Numbers = np.flatnonzero(self._lengths == 1)
        self._in_text = _ranked(text, _IN_TEXT)
        self._closers = _ranked(text, _CLOSERS)
        self._between = _ranked(text, _CLOSERS + _BETWEEN)

    def way(self, state: LLMatcher, limit: int) -> list[int] | None:
        """At most ``limit`` tokens after which the grammar is satisfied; ``None`` where none were found.

        ``state`` stays as it is: it is led along the way, because it remembers what it has computed, and back.
        """
        walk = _Walk(state)
        try:
            while not state.is_accepting():
                token = self._next(walk)
                if token is None or len(walk.way) >= limit or walk.looks > _LOOKS:
                    return None
                walk.go(token)
            return walk.way
        finally:
            walk.back()

    def _next(self, walk: "_Walk") -> int | None:
        token = self._simple(walk)
        return self._nearest(walk) if token is None else token

    def _simple(self, walk: "_Walk") -> int | None:
        """A token that needs no thought, unless the last one of that kind has led nowhere."""
        if walk.stuck:
            return None
        if _count(walk.mask) > self._text:
            return _first(walk.mask, self._in_text)
        return _first(walk.mask, self._between)

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
        tokens = np.flatnonzero(np.unpackbits(mask, bitorder="little", count=len(self._lengths)))
        if not len(tokens):
            return []
        longest = int(tokens[self._lengths[tokens].argmax()])
        others = tokens if len(tokens) <= _FEW else self._letters[_legal(mask, self._letters)]
        return [longest, *others.tolist()]

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
    return int(np.unpackbits(mask).sum())


def _legal(mask: Bits, tokens: Numbers) -> npt.NDArray[np.bool_]:
    legal: npt.NDArray[np.bool_] = (mask[tokens >> 3] >> (tokens & 7).astype(np.uint8) & 1).astype(bool)
    return legal


def _first(mask: Bits, tokens: Numbers) -> int | None:
    legal = _legal(mask, tokens)
    return int(tokens[legal.argmax()]) if legal.any() else None
