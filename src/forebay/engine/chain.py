"""How the content of a block is named, so that whoever begins with the same tokens can use it: prefix caching.

A block is named by all tokens up to its end, as a chain: its digest is made of the digest before it and its own tokens.
The first link is the namespace of the sequence (its tenant, its adapter), so nobody finds a block of another one.

The same tokens do not always leave the same bytes: a cache filled at one go is rounded otherwise than one filled token
by token. Who asked for a seed must not notice, so a key has a second part: how many of all tokens up to the block's end
were computed at one go (the rest followed one by one, in steps that do not depend on the load), or `ANYHOW`.

Source: the hash chain is that of vLLM's automatic prefix caching (Kwon et al., 2309.06180, section 4.3 on sharing).
"""

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from typing import Final

from forebay.engine.blocks import BLOCK, Key

ANYHOW: Final = -1

_DIGEST_BYTES: Final = 16


class Chain:
    """The digests of a sequence's full blocks, from the first on; they are made when they are asked for."""

    __slots__ = ("_digests", "_root")

    def __init__(self, namespace: bytes) -> None:
        self._root = hashlib.blake2b(namespace, digest_size=_DIGEST_BYTES).digest()
        self._digests: list[bytes] = []

    def digests(self, tokens: Sequence[int], count: int) -> list[bytes]:
        """Those of the first ``count`` blocks of ``tokens``, which only ever grow."""
        known = self._digests
        while len(known) < count:
            begin = len(known) * BLOCK
            link = (known[-1] if known else self._root) + array("q", tokens[begin : begin + BLOCK]).tobytes()
            known.append(hashlib.blake2b(link, digest_size=_DIGEST_BYTES).digest())
        return known[:count]


def keys(digests: Sequence[bytes], at_one_go: int | None = None) -> Iterator[Key]:
    """The keys of blocks: those where the first ``at_one_go`` tokens were computed so, or else of any."""
    for number, digest in enumerate(digests, 1):
        yield digest, ANYHOW if at_one_go is None else min(at_one_go, number * BLOCK)
