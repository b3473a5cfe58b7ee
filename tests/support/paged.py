"""A graph that only remembers: its cache holds the tokens themselves, and what comes next is a hash of all before it.

So whoever is given a wrong block, or one that somebody else has written to, gets a wrong token.
"""

import zlib
from collections.abc import Sequence as Items

import numpy as np

from forebay.engine.batch import Floats, Row
from forebay.engine.blocks import BLOCK, SCRATCH, blocks_for

EMPTY = -1


def next_token(tokens: Items[int], vocabulary: int) -> int:
    """What comes after ``tokens``."""
    return zlib.crc32(np.array(tokens, np.int64).tobytes()) % vocabulary


def continuation(prompt: Items[int], count: int, vocabulary: int) -> list[int]:
    """The ``count`` tokens that come after ``prompt``."""
    tokens = [*prompt]
    for _ in range(count):
        tokens.append(next_token(tokens, vocabulary))
    return tokens[len(prompt) :]


class Memory:
    """The graph. ``steps`` are the rows of each step so far."""

    def __init__(self, blocks: int, vocabulary: int = 1000) -> None:
        self.blocks = blocks
        self.vocabulary = vocabulary
        self.steps: list[list[Row]] = []
        self._cache = np.full((blocks, BLOCK), EMPTY)

    def step(self, batch: Items[Row], *, exact: bool = False) -> Floats:
        assert batch
        assert isinstance(exact, bool)
        self.steps.append([Row(list(row.tokens), row.past, list(row.blocks)) for row in batch])
        _check_tables(batch)
        logits = np.zeros((len(batch), self.vocabulary), np.float32)
        for row in batch:
            self._write(row, alone=len(batch) == 1 and not exact)
        for line, row in enumerate(batch):
            logits[line, self._next(row)] = 10.0
        return logits

    def _write(self, row: Row, *, alone: bool) -> None:  # noqa: ARG002 - for `Rounded`
        for at, token in enumerate(row.tokens, row.past):
            self._cache[row.blocks[at // BLOCK], at % BLOCK] = token

    def _next(self, row: Row) -> int:
        end = row.past + len(row.tokens)
        tokens: list[int] = self._cache[list(row.blocks)].reshape(-1)[:end].tolist()
        assert EMPTY not in tokens
        return next_token(tokens, self.vocabulary)


def _check_tables(batch: Items[Row]) -> None:
    """Every row has its blocks, and none writes where another one reads."""
    for row in batch:
        assert row.tokens
        end = row.past + len(row.tokens)
        assert len(row.blocks) >= blocks_for(end), "blocks are missing"
        assert SCRATCH not in row.blocks
        assert len(set(row.blocks)) == len(row.blocks)
        written = set(row.blocks[row.past // BLOCK : blocks_for(end)])
        for other in batch:
            assert other is row or written.isdisjoint(other.blocks), "a block that is written to belongs to two"


class Rounded(Memory):
    """Remembers how each block was written, as the real cache does: at one go, token by token, or in a step all alone.

    What comes next depends on that too. So whoever asked for a seed notices everything that makes his computation
    another one than it would be without others.
    """

    def __init__(self, blocks: int, vocabulary: int = 1000) -> None:
        super().__init__(blocks, vocabulary)
        self._writes: dict[int, tuple[tuple[int, int, int], ...]] = {}

    def _write(self, row: Row, *, alone: bool) -> None:
        super()._write(row, alone=alone)
        end = row.past + len(row.tokens)
        for number in range(row.past // BLOCK, blocks_for(end)):
            first, last = max(row.past - number * BLOCK, 0), min(end - number * BLOCK, BLOCK)
            before = self._writes.get(row.blocks[number], ()) if first else ()
            write = (first, last, (1 + alone) * (len(row.tokens) == 1))
            self._writes[row.blocks[number]] = (*before, write)

    def _next(self, row: Row) -> int:
        end = blocks_for(row.past + len(row.tokens))
        history = repr([self._writes[block] for block in row.blocks[:end]]).encode()
        return (super()._next(row) + zlib.crc32(history)) % self.vocabulary
