"""What the classifier sees of a text: which pieces of words, words and pairs of words occur in it, by their hashes.

Sources: K. Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (2009); character n-grams, because
attackers misspell. Everything is a few operations on whole arrays: a kilobyte takes a fraction of a millisecond.
"""

import re
from zlib import crc32

import numpy as np
import numpy.typing as npt

from forebay.guards.validators.words.folding import Folding

BUCKETS = 1 << 18
CHARACTERS = (3, 4, 5)
WORD = re.compile(r"\w+")
SPACE = re.compile(r"\s+")
SPELLED_OUT = re.compile(r"\b(?:\w[ .\-_*]){3,}\w\b")
PARTED = re.compile(r"[ .\-_*]")

Numbers = npt.NDArray[np.uint32]
_folding = Folding()


def folded(text: str) -> str:
    """``text`` as people read it: one case, no look-alikes, single spaces, words that were spelled out joined."""
    plain = SPACE.sub(" ", _folding.word(text))
    return SPELLED_OUT.sub(lambda match: PARTED.sub("", match[0]), plain)


def buckets(text: str) -> Numbers:
    """The numbers, below `BUCKETS`, of what occurs in ``text``, which is folded; each once, in order."""
    words = np.fromiter((crc32(word.encode(errors="replace")) for word in WORD.findall(text)), np.uint32)
    pairs = words[:-1] * np.uint32(0x9E3779B1) + words[1:]
    hashes = [*_pieces(text), words ^ np.uint32(0x5BD1E995), pairs]
    found = _mixed(np.concatenate(hashes)) & np.uint32(BUCKETS - 1)
    found.sort()
    return found[np.concatenate(([True], found[1:] != found[:-1]))] if len(found) else found  # as np.unique, faster


def _pieces(text: str) -> list[Numbers]:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return [_hashed(codes, length) for length in CHARACTERS if len(codes) >= length]


def _hashed(codes: Numbers, length: int) -> Numbers:
    """A polynomial in the codes of each ``length`` characters in a row."""
    count = len(codes) - length + 1
    total = np.full(count, length, np.uint32)
    for place in range(length):
        total = total * np.uint32(0x01000193) + codes[place : place + count]
    return total


def _mixed(hashes: Numbers) -> Numbers:
    """Spread over all bits, as MurmurHash 3 ends."""
    hashes = (hashes ^ (hashes >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    hashes = (hashes ^ (hashes >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return hashes ^ (hashes >> np.uint32(16))
