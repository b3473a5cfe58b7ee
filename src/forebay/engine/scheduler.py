"""Who takes part in the next step: continuous batching, with prompts in chunks between everybody else's tokens.

Every sequence that is decoded gets its token in every step. What is left of the step's token budget goes to prompts, in
the order of their turns, cut where blocks end: so a long prompt holds nobody up, and what is computed in chunks is what
would be computed at one go. When blocks run out the youngest running sequence is preempted: it lets go of its blocks,
is the first to wait and is computed again later, as far as its blocks are not still there. Nothing is lost but time.
"""

import time
from typing import NamedTuple

from forebay.engine.blocks import BLOCK, BlockManager, blocks_for
from forebay.engine.prefix_cache import PrefixCache
from forebay.engine.sequence import Sequence
from forebay.engine.waiting import WaitingQueue


class Chunk(NamedTuple):
    """The next ``tokens`` tokens of a sequence: one that is decoded, or some of a prompt."""

    sequence: Sequence
    tokens: int


class Scheduler:
    """The waiting and the running sequences; ``running`` is in the order in which they began."""

    def __init__(self, blocks: BlockManager, *, max_running: int, max_batched_tokens: int) -> None:
        self.blocks = blocks
        self.prefixes = PrefixCache(blocks)
        self.waiting = WaitingQueue()
        self.running: list[Sequence] = []
        self.preemptions = 0
        self._max_running = max_running
        self._max_batched_tokens = max(max_batched_tokens, BLOCK)

    @property
    def busy(self) -> bool:
        """Whether there is anything to compute."""
        return bool(self.running or self.waiting)

    def add(self, sequence: Sequence) -> None:
        """Queue ``sequence``; alone it must fit into the cache."""
        self.waiting.add(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Forget ``sequence``, finished or cancelled, and free its blocks; one that is gone already is no error."""
        if sequence in self.running:
            self.running.remove(sequence)
        else:
            self.waiting.remove(sequence)
        self.blocks.release(sequence.blocks)
        sequence.blocks = []

    def schedule(self) -> list[Chunk]:
        """The next step: a token for everyone who is decoded, and of prompts what fits in beside them."""
        chunks = self._decode()
        budget = max(self._max_batched_tokens - len(chunks), BLOCK)
        for sequence in self.running:
            if sequence.pending > 1 and (count := _cut(sequence, budget)):
                chunks.append(Chunk(sequence, count))
                budget -= count
        return chunks + self._admit(budget)

    def advanced(self, chunk: Chunk) -> None:
        """Note that ``chunk`` is computed."""
        chunk.sequence.advance(chunk.tokens)
        self.prefixes.keep(chunk.sequence)

    def _decode(self) -> list[Chunk]:
        """A token for each sequence that is at one, the oldest first; there are blocks for all who are left then."""
        chunks: list[Chunk] = []
        place = 0
        while place < len(self.running):
            sequence = self.running[place]
            if sequence.pending > 1:
                place += 1
            elif self._grow(sequence):
                chunks.append(Chunk(sequence, 1))
                place += 1
            else:
                self._preempt(self.running.pop())
        return chunks

    def _grow(self, sequence: Sequence) -> bool:
        missing = blocks_for(sequence.computed + 1) - len(sequence.blocks)
        if missing > 0:
            if not self.blocks.can_allocate(missing):
                return False
            sequence.blocks += self.blocks.allocate(missing)
        return True

    def _preempt(self, sequence: Sequence) -> None:
        self.blocks.release(sequence.blocks)
        sequence.restart()
        self.waiting.put_back(sequence)
        self.preemptions += 1

    def _admit(self, budget: int) -> list[Chunk]:
        if not self.waiting:
            return []
        chunks: list[Chunk] = []
        coming = self._coming()
        for sequence in self.waiting:
            if len(self.running) + len(chunks) >= self._max_running:
                break
            digests = self.prefixes.digests(sequence)
            found = self.prefixes.find(sequence)
            if not coming.isdisjoint(digests[len(found) : len(found) + 1]):
                continue  # Somebody is computing what it begins with: it waits for that instead of doing it again.
            left = len(sequence.tokens) - len(found) * BLOCK
            if budget < min(left, BLOCK) or not self._has_room(sequence, found, len(chunks)):
                break
            chunk = self._begin(sequence, found, budget)
            chunks.append(chunk)
            budget -= chunk.tokens
            coming.update(digests)
        for chunk in chunks:
            self.waiting.take(chunk.sequence)
            self.running.append(chunk.sequence)
        return chunks

    def _coming(self) -> set[bytes]:
        """The blocks that running prompts are going to fill."""
        return {
            digest
            for sequence in self.running
            if sequence.pending > 1
            for digest in self.prefixes.digests(sequence)[sequence.kept :]
        }

    def _has_room(self, sequence: Sequence, found: list[int], newcomers: int) -> bool:
        # A block is left for each running sequence, lest a newcomer be preempted at once.
        missing = blocks_for(len(sequence.tokens)) - len(found)
        return self.blocks.can_allocate(missing + len(self.running) + newcomers, found)

    def _begin(self, sequence: Sequence, found: list[int], budget: int) -> Chunk:
        self.prefixes.begin(sequence, found)
        sequence.blocks += self.blocks.allocate(blocks_for(len(sequence.tokens)) - len(found))
        sequence.admitted = sequence.admitted or time.perf_counter()
        return Chunk(sequence, _cut(sequence, budget))


def _cut(sequence: Sequence, budget: int) -> int:
    """How many tokens of what is pending fit into ``budget``: all of them, or some that end with a block."""
    pending = sequence.pending
    if pending <= budget:
        return pending
    count = (sequence.computed + budget) // BLOCK * BLOCK - sequence.computed
    # A single token is computed in another way than the last one of many, which who asked for a seed would notice.
    return pending if sequence.exact and pending - count == 1 else count
