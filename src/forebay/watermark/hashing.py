"""Numbers that only the holder of a key can compute: one for each token after each context.

The context is hashed with a keyed hash of cryptographic strength, once a step. The tokens follow by a cheap integer mix
of that seed, which is one pass over a vocabulary and needs no list to be kept.

Sources: RFC 7693 (keyed BLAKE2b); Appleby, MurmurHash3 (the 32-bit finalizer).
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from forebay.watermark.scheme import Ints, Words

_MASK: Final = 0xFFFFFFFF
_GOLDEN: Final = 0x9E3779B1
_FIRST: Final = 0x85EBCA6B
_SECOND: Final = 0xC2B2AE35


class KeyedNumbers:
    """Pseudorandom 32-bit numbers of (context, token) under the key that is derived from ``secret``."""

    def __init__(self, secret: str, purpose: bytes) -> None:
        """``purpose``, at most 16 bytes, keeps schemes with the same secret apart."""
        self._key = hashlib.blake2b(secret.encode(), person=purpose).digest()
        self._salt = self._hash(b"salt")
        self._salted = np.empty(0, np.uint32)

    def joint(self, context: Sequence[int]) -> int:
        """The seed of all of ``context`` together: another token in it, or another order, is another seed."""
        return self._hash(b"".join([token.to_bytes(4, "little") for token in context]))

    def least(self, context: Sequence[int]) -> int:
        """The least of the seeds of the tokens of ``context``: most of them may change, and it stays."""
        return min([self._hash(token.to_bytes(4, "little")) for token in context])

    def number(self, seed: int, token: int) -> int:
        """The number of ``token`` after the context with ``seed``."""
        return _mix(seed ^ _mix((token * _GOLDEN + self._salt) & _MASK))

    def numbers(self, seed: int, tokens: Ints) -> Words:
        """The same for many tokens, shape (n,)."""
        return _mixed(self.salted(tokens) ^ np.uint32(seed))

    def paired(self, seeds: Words, tokens: Ints) -> Words:
        """The number of each token after its own context, both of shape (n,)."""
        return _mixed(self.salted(tokens) ^ seeds)

    def salted(self, tokens: Ints) -> Words:
        """What is mixed with a seed, for each of ``tokens``."""
        top = int(tokens.max(initial=-1)) + 1
        if top > len(self._salted):  # To the end of the vocabulary at the latest, so not often.
            every = np.arange(-(-top // 4096) * 4096, dtype=np.uint32)
            self._salted = _mixed(every * np.uint32(_GOLDEN) + np.uint32(self._salt))
        return self._salted[tokens]

    def _hash(self, data: bytes) -> int:
        return int.from_bytes(hashlib.blake2b(data, key=self._key, digest_size=4).digest(), "little")


class Mixer:
    """`KeyedNumbers.numbers` of a whole vocabulary, over and over in the same memory, as far as their upper half goes.

    What is left out would change the lower 16 bits only; whoever compares with a multiple of 2^16 does not need them.
    """

    def __init__(self, numbers: KeyedNumbers, vocabulary: int) -> None:
        self._salted = numbers.salted(np.arange(vocabulary))
        self._mixed = np.empty(vocabulary, np.uint32)
        self._shifted = np.empty(vocabulary, np.uint32)

    def numbers(self, seed: int) -> Words:
        """The numbers of all tokens, until the next call; only their upper 16 bits count."""
        mixed, shifted = self._mixed, self._shifted
        np.bitwise_xor(self._salted, np.uint32(seed), out=mixed)
        for bits, factor in ((16, _FIRST), (13, _SECOND)):
            np.right_shift(mixed, np.uint32(bits), out=shifted)
            np.bitwise_xor(mixed, shifted, out=mixed)
            np.multiply(mixed, np.uint32(factor), out=mixed)
        return mixed


def _mix(number: int) -> int:
    number = ((number ^ (number >> 16)) * _FIRST) & _MASK
    number = ((number ^ (number >> 13)) * _SECOND) & _MASK
    return number ^ (number >> 16)


def _mixed(numbers: Words) -> Words:
    """`_mix` of each, in place."""
    numbers ^= numbers >> np.uint32(16)
    numbers *= np.uint32(_FIRST)
    numbers ^= numbers >> np.uint32(13)
    numbers *= np.uint32(_SECOND)
    numbers ^= numbers >> np.uint32(16)
    return numbers
