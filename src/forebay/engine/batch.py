"""The input of one step, as the graph wants it: all rows one after the other, in NumPy's arrays."""

import itertools
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from forebay.engine.blocks import SCRATCH, blocks_for

Floats = npt.NDArray[np.float32]


class Row(NamedTuple):
    """What one sequence brings to a step: tokens to compute, how many are computed already, and its blocks."""

    tokens: Sequence[int]
    past: int
    blocks: Sequence[int]


PADDING: Final = Row(tokens=(0,), past=0, blocks=(SCRATCH,))


class Batch(NamedTuple):
    """The input of one step; the fields are the graph's own inputs, in NumPy's arrays."""

    input_ids: npt.NDArray[np.int64]
    position_ids: npt.NDArray[np.int64]
    past_lens: npt.NDArray[np.int32]
    subsequence_begins: npt.NDArray[np.int32]
    block_indices_begins: npt.NDArray[np.int32]
    block_indices: npt.NDArray[np.int32]
    max_context_len: npt.NDArray[np.int32]
    last_tokens: npt.NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Batch":
        """The rows, one after the other."""
        ends = [row.past + len(row.tokens) for row in rows]
        used = [blocks_for(end) for end in ends]
        begins = np.cumsum([0, *(len(row.tokens) for row in rows)], dtype=np.int32)
        flat = itertools.chain.from_iterable
        return cls(
            input_ids=np.array([*flat(row.tokens for row in rows)], np.int64),
            position_ids=np.array([*flat(range(row.past, end) for row, end in zip(rows, ends, strict=True))], np.int64),
            past_lens=np.array([row.past for row in rows], np.int32),
            subsequence_begins=begins,
            block_indices_begins=np.cumsum([0, *used], dtype=np.int32),
            block_indices=np.array([*flat(row.blocks[:n] for row, n in zip(rows, used, strict=True))], np.int32),
            max_context_len=np.array(max(ends), np.int32),
            last_tokens=(begins[1:] - 1).astype(np.int64),
        )
