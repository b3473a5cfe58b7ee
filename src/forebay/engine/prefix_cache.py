"""Lets sequences begin with blocks that others have computed: a chat's next turn need not compute its history."""

from collections.abc import Iterator
from itertools import takewhile

from forebay.engine.blocks import BLOCK, BlockManager, Key
from forebay.engine.chain import ANYHOW, keys
from forebay.engine.sequence import Sequence


class PrefixCache:
    """What sequences have in common. ``asked`` and ``found`` count tokens of prompts since the beginning."""

    def __init__(self, blocks: BlockManager) -> None:
        self._blocks = blocks
        self.asked = 0
        self.found = 0

    def digests(self, sequence: Sequence) -> list[bytes]:
        """Those of the blocks that ``sequence`` may begin with; its last token is computed in any case."""
        if sequence.chain is None:
            return []
        return sequence.chain.digests(sequence.tokens, (len(sequence.tokens) - 1) // BLOCK)

    def find(self, sequence: Sequence) -> list[int]:
        """The blocks that are there for ``sequence`` to begin with."""
        if not sequence.exact:
            return self._blocks.find(keys(self.digests(sequence)))
        found = self._blocks.find(keys(self.digests(sequence), sequence.prompt_length))
        # A single token is computed in another way than the last one of many: it must not be all that is left.
        return found[:-1] if found and sequence.prompt_length - len(found) * BLOCK == 1 else found

    def begin(self, sequence: Sequence, found: list[int]) -> None:
        """Let ``sequence``, of which nothing is computed, begin with the blocks ``found`` for it."""
        self._blocks.share(found)
        sequence.blocks = [*found]
        sequence.kept = len(found)
        sequence.computed = len(found) * BLOCK
        sequence.at_one_go = self._at_one_go(sequence, found)
        if not sequence.admitted:
            sequence.cached = sequence.computed
            self.asked += sequence.prompt_length
            self.found += sequence.cached

    def keep(self, sequence: Sequence) -> None:
        """Let others find the blocks that ``sequence`` has filled."""
        full = sequence.computed // BLOCK
        if sequence.chain is None or full == sequence.kept:
            return
        digests = sequence.chain.digests(sequence.tokens, full)
        for number in range(sequence.kept, full):
            self._blocks.keep(sequence.blocks[number], _names(sequence, digests[number], (number + 1) * BLOCK))
        sequence.kept = full

    def _at_one_go(self, sequence: Sequence, found: list[int]) -> int:
        """How many tokens of what was found were computed at one go, as far as it goes without a gap."""
        digests = self.digests(sequence)[: len(found)]
        pure = self._blocks.find(keys(digests, at_one_go=len(found) * BLOCK))
        same = takewhile(lambda pair: pair[0] == pair[1], zip(pure, found, strict=False))
        return sum(BLOCK for _ in same)


def _names(sequence: Sequence, digest: bytes, end: int) -> Iterator[Key]:
    """By which names a block that ends with token ``end`` of ``sequence`` can be found."""
    if sequence.exact or end <= sequence.at_one_go:
        yield digest, min(end, sequence.prompt_length) if sequence.exact else end
    yield digest, ANYHOW
