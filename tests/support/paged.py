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
        held = [block for row in batch for block in row.blocks]
        assert len(set(held)) == len(held), "a block belongs to two sequences"
        assert SCRATCH not in held
        logits = np.zeros((len(batch), self.vocabulary), np.float32)
        for line, row in enumerate(batch):
            logits[line, next_token(self._remembered(row), self.vocabulary)] = 10.0
        return logits

    def _remembered(self, row: Row) -> list[int]:
        assert row.tokens
        end = row.past + len(row.tokens)
        assert len(row.blocks) == blocks_for(end), "blocks are missing, or too many"
        for at, token in enumerate(row.tokens, row.past):
            self._cache[row.blocks[at // BLOCK], at % BLOCK] = token
        tokens: list[int] = self._cache[list(row.blocks)].reshape(-1)[:end].tolist()
        assert EMPTY not in tokens
        return tokens
