"""Who takes part in the next step: continuous batching, first come, first served.

Every running sequence gets a row in every step; prompts join as soon as a slot, the step's token budget and enough
blocks allow. When blocks run out the youngest running sequence is preempted: its blocks are freed, it waits at the head
of the queue and is computed again later. Nothing is lost but time.
"""

import time
from collections import deque
from typing import NamedTuple

from forebay.engine.blocks import BlockManager, blocks_for
from forebay.engine.sequence import Sequence


class Chunk(NamedTuple):
    """The next ``tokens`` tokens of a sequence; whole prompts for now, chunked prefill would cut them."""

    sequence: Sequence
    tokens: int


class Scheduler:
    """The waiting and the running sequences. ``running`` is in order of arrival, and so is ``waiting``."""

    def __init__(self, blocks: BlockManager, *, max_running: int, max_batched_tokens: int) -> None:
        self.blocks = blocks
        self.waiting: deque[Sequence] = deque()
        self.running: list[Sequence] = []
        self.preemptions = 0
        self._max_running = max_running
        self._max_batched_tokens = max_batched_tokens

    @property
    def busy(self) -> bool:
        """Whether there is anything to compute."""
        return bool(self.running or self.waiting)

    def add(self, sequence: Sequence) -> None:
        """Queue ``sequence``; alone it must fit into the cache."""
        self.waiting.append(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Forget ``sequence``, finished or cancelled, and free its blocks; one that is gone already is no error."""
        if sequence in self.running:
            self.running.remove(sequence)
        elif sequence in self.waiting:
            self.waiting.remove(sequence)
        self._free(sequence)

    def schedule(self) -> list[Chunk]:
        """The next step: a token for everyone who runs, and the prompts that fit in beside them."""
        chunks = self._continue()
        chunks += self._admit(self._max_batched_tokens - len(chunks))
        return chunks

    def _continue(self) -> list[Chunk]:
        chunks: list[Chunk] = []
        while len(chunks) < len(self.running):
            sequence = self.running[len(chunks)]
            if self._grow(sequence):
                chunks.append(Chunk(sequence, sequence.pending))
            else:
                self._preempt(self.running.pop())
        return chunks

    def _grow(self, sequence: Sequence) -> bool:
        missing = blocks_for(sequence.computed + sequence.pending) - len(sequence.blocks)
        if not self.blocks.can_allocate(missing):
            return False
        sequence.blocks += self.blocks.allocate(missing)
        return True

    def _preempt(self, sequence: Sequence) -> None:
        self._free(sequence)
        sequence.computed = 0
        self.waiting.appendleft(sequence)
        self.preemptions += 1

    def _admit(self, budget: int) -> list[Chunk]:
        chunks: list[Chunk] = []
        while self.waiting and len(self.running) < self._max_running:
            count = self.waiting[0].pending
            # A prompt longer than the whole budget goes without other prompts; otherwise it would never go.
            if (chunks and count > budget) or not self._has_room(self.waiting[0]):
                break
            sequence = self.waiting.popleft()
            sequence.blocks = self.blocks.allocate(blocks_for(count))
            sequence.admitted = sequence.admitted or time.perf_counter()
            self.running.append(sequence)
            chunks.append(Chunk(sequence, count))
            budget -= count
        return chunks

    def _has_room(self, sequence: Sequence) -> bool:
        # A block is left for each running sequence, lest a newcomer be preempted at once.
        return self.blocks.can_allocate(blocks_for(len(sequence.tokens)) + len(self.running))

    def _free(self, sequence: Sequence) -> None:
        self.blocks.release(sequence.blocks)
        sequence.blocks = []
