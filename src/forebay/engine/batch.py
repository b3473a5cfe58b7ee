"""The input of one step, as the graph wants it: all rows one after the other."""

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from forebay.engine.adapter import Adapter
from forebay.engine.blocks import SCRATCH, blocks_for

Floats = npt.NDArray[np.float32]


class Row(NamedTuple):
    """What one sequence brings to a step: tokens to compute, how many are computed already, and its blocks."""

    tokens: Sequence[int]
    past: int
    blocks: Sequence[int]
    adapter: Adapter | None = None


PADDING: Final = Row(tokens=(0,), past=0, blocks=(SCRATCH,))


class Batch(NamedTuple):
    """The input of one step; the fields are the graph's own inputs.

    They are lists and not arrays because they are short: a list is copied into the graph's memory at once, and every
    function of NumPy's that is called between two steps has to come back into the processor's cache first.
    """

    input_ids: list[int]
    position_ids: list[int]
    past_lens: list[int]
    subsequence_begins: list[int]
    block_indices_begins: list[int]
    block_indices: list[int]
    max_context_len: int
    last_tokens: list[int]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Batch":
        """The rows, one after the other."""
        ends = [row.past + len(row.tokens) for row in rows]
        used = [blocks_for(end) for end in ends]
        begins = [0, *accumulate(len(row.tokens) for row in rows)]
        flat = chain.from_iterable
        return cls(
            input_ids=[*flat(row.tokens for row in rows)],
            position_ids=[*flat(range(row.past, end) for row, end in zip(rows, ends, strict=True))],
            past_lens=[row.past for row in rows],
            subsequence_begins=begins,
            block_indices_begins=[0, *accumulate(used)],
            block_indices=[*flat(row.blocks[:count] for row, count in zip(rows, used, strict=True))],
            max_context_len=max(ends),
            last_tokens=[begin - 1 for begin in begins[1:]],
        )
