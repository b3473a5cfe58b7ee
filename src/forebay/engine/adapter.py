"""What a LoRA adapter is to the engine: for each module that it changes, two thin matrices.

A module's ``x @ W`` becomes ``x @ W + x @ down @ up``. PEFT calls the two ``lora_A`` and ``lora_B`` and stores them the
other way round.

Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2021).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from forebay.engine.projections import Module

Floats = npt.NDArray[np.float32]


class Factors(NamedTuple):
    """What is added to a module, [inputs, rank] and [rank, outputs]; the scaling is in ``up`` already."""

    down: Floats
    up: Floats


class Adapter:
    """A LoRA adapter in memory. Every one that is read is another one, whatever it is called: see ``identity``."""

    def __init__(self, name: str, generation: int, factors: Mapping[Module, Factors]) -> None:
        self.name = name
        self.identity = f"{name}#{generation}".encode()
        """Differs from that of every other adapter, also from one of the same name that was read before."""
        self.factors = dict(factors)
        self.rank = max((each.up.shape[0] for each in factors.values()), default=0)
        self.targets = frozenset(target for _, target in factors)
        self.bytes = sum(matrix.nbytes for each in factors.values() for matrix in each)
