"""The schemes of Kirchenbauer et al. as the programs in use have them, list for list.

`LeftHash` is the one of KGW's own code, Hugging Face's transformers, TGI and LoRAX. The two `SelfHash` differ in their
hash tables, because transformers seeds its table with the key and KGW with a number of its own.
"""

from collections import OrderedDict
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from forebay.watermark.permutation import first, whole
from forebay.watermark.scheme import Bools, Ints

PUBLIC_KEY: Final = 15485863
"""The millionth prime, the key that everybody has who has not chosen another one: no secret at all."""

KGW_TABLE: Final = 2971215073
_TABLE: Final = 1_000_003
_LISTS: Final = 2048  # Of 6 kB each for 49,152 tokens.
_MODULUS: Final = 2**64 - 1

Bits = npt.NDArray[np.uint8]


class _Lists:
    """The green list of each seed, one bit a token; those used last are kept."""

    def __init__(self, vocabulary: int, gamma: float) -> None:
        self._vocabulary = vocabulary
        self._count = int(vocabulary * gamma)
        self._kept: OrderedDict[int, Bits] = OrderedDict()

    def of(self, seed: int) -> Bits:
        found = self._kept.get(seed)
        if found is None:
            found = self._kept[seed] = np.packbits(first(seed, self._vocabulary, self._count), bitorder="little")
            if len(self._kept) > _LISTS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(seed)
        return found

    def has(self, seed: int, token: int) -> bool:
        if token >= self._vocabulary:
            return False
        return bool(self.of(seed)[token >> 3] >> (token & 7) & 1)

    def which(self, seed: int, tokens: Ints) -> Bools:
        known = np.minimum(tokens, self._vocabulary - 1)
        found: Bools = (self.of(seed)[known >> 3] >> (known & 7).astype(np.uint8) & 1).astype(bool)
        return found & (tokens < self._vocabulary)


class LeftHash:
    """Green is what the permutation seeded with key x previous token begins with; ``lefthash``, or ``simple_1``.

    ``vocabulary`` is what the marking side takes for the number of tokens: with any other the lists are different.
    """

    width = 1
    costly = False

    def __init__(self, key: int, *, vocabulary: int, gamma: float) -> None:
        self.gamma = gamma
        self._key = key
        self._lists = _Lists(vocabulary, gamma)

    def green(self, context: tuple[int, ...], tokens: Ints) -> Bools:
        """Which of ``tokens`` are green after ``context``."""
        return self._lists.which(self._seed(context[-1]), tokens)

    def is_green(self, context: tuple[int, ...], token: int) -> bool:
        """Whether one token is."""
        return self._lists.has(self._seed(context[-1]), token)

    def score(self, contexts: Ints, tokens: Ints) -> Bools:
        """Whether each token is green after its own context; a list is made once for all that follow a token."""
        found = np.zeros(len(tokens), bool)
        order = np.argsort(contexts[:, -1], kind="stable")
        previous, begins = np.unique(contexts[order, -1], return_index=True)
        for token, places in zip(previous.tolist(), np.split(order, begins[1:]), strict=False):
            found[places] = self._lists.which(self._seed(token), tokens[places])
        return found

    def seeds(self, contexts: Ints, tokens: Ints) -> Ints:  # noqa: ARG002  # Scheme's
        """The token before."""
        return contexts[:, -1]

    def _seed(self, token: int) -> int:
        return self._key * token % _MODULUS % 2**32


class PaddedLeftHash:
    """What TGI makes of `LeftHash` for the shorter rows of a batch: each token is seeded by padding, token 0."""

    width = 0
    costly = False

    def __init__(self, *, vocabulary: int, gamma: float) -> None:
        self.gamma = gamma
        self._lists = _Lists(vocabulary, gamma)

    def green(self, context: tuple[int, ...], tokens: Ints) -> Bools:  # noqa: ARG002  # Scheme's
        """Which of ``tokens`` are on the one list."""
        return self._lists.which(0, tokens)

    def is_green(self, context: tuple[int, ...], token: int) -> bool:  # noqa: ARG002  # Scheme's
        """Whether one token is."""
        return self._lists.has(0, token)

    def seeds(self, contexts: Ints, tokens: Ints) -> Ints:  # noqa: ARG002  # Scheme's
        """There is but one."""
        return np.zeros(len(tokens), np.int64)

    def score(self, contexts: Ints, tokens: Ints) -> Bools:  # noqa: ARG002  # Scheme's
        """Whether each token is."""
        return self._lists.which(0, tokens)


class SelfHash:
    """Green is a token that is on the list which it seeds itself, with the tokens before it (Algorithm 3).

    The window is ``window`` tokens long, the token itself included; ``table`` is the seed of the hash table.
    """

    costly = True

    def __init__(self, key: int, *, vocabulary: int, gamma: float, table: int, window: int = 4) -> None:
        self.width = window - 1
        self.gamma = gamma
        self._key = key
        self._table = table
        self._lists = _Lists(vocabulary, gamma)

    def green(self, context: tuple[int, ...], tokens: Ints) -> Bools:
        """Which of ``tokens`` are green; each takes a list of its own."""
        return np.array([self.is_green(context, token) for token in tokens.tolist()], bool)

    def is_green(self, context: tuple[int, ...], token: int) -> bool:
        """Whether one token is."""
        return self._lists.has(self._seed((*context[len(context) - self.width :], token)), token)

    def score(self, contexts: Ints, tokens: Ints) -> Bools:
        """Whether each token is green after its own context."""
        pairs = zip(self.seeds(contexts, tokens).tolist(), tokens.tolist(), strict=True)
        return np.array([self._lists.has(seed, token) for seed, token in pairs], bool)

    def seeds(self, contexts: Ints, tokens: Ints) -> Ints:
        """The least product of each window, of which many are the same: the token alone often decides."""
        windows = np.column_stack((contexts, tokens))
        # Products of 64 bits that overflow, as torch's do.
        hashed = _hash_table(self._table)[windows % _TABLE] + 1
        least = (np.int64(self._key) * hashed * hashed[:, -1:]).min(axis=1)
        # Modulo 2^64 - 1, then 2^32, in numbers that do not overflow: a negative one is 2^64 - 1 more.
        found: Ints = np.where(least < 0, least - 1, least) & (2**32 - 1)
        return found

    def _seed(self, window: tuple[int, ...]) -> int:
        row = np.array([window], np.int64)
        return int(self.seeds(row[:, :-1], row[:, -1])[0])


@lru_cache(4)
def _hash_table(seed: int) -> Ints:
    return whole(seed, _TABLE)
