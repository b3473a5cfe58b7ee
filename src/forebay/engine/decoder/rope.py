"""How fast each pair of a head's numbers turns with the position, also where a model stretches its context.

Source: Su et al., "RoFormer" (2021); Chen et al., "Extending Context Window of Large Language Models via Positional
Interpolation" (2023) for ``linear``; the model card of Llama 3.1 for ``llama3``.
"""

import math

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


class Llama3(msgspec.Struct, frozen=True):
    """Slow turns are slowed down by ``factor``, fast ones are left, and what lies between becomes a mixture."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_max_position_embeddings: int


def plain(base: float, head_size: int) -> Floats:
    """The frequencies of a model that stretches nothing: ``base ** (-2i / head_size)``."""
    return (1.0 / base ** (np.arange(0, head_size, 2, dtype=np.float64) / head_size)).astype(np.float32)


def llama3(frequencies: Floats, scaling: Llama3) -> Floats:
    """``frequencies`` as Llama 3.1 stretches them."""
    turns = scaling.original_max_position_embeddings * frequencies.astype(np.float64) / (2 * math.pi)
    low, high = scaling.low_freq_factor, scaling.high_freq_factor
    share = np.clip((turns - low) / (high - low), 0, 1)
    return (frequencies * (share + (1 - share) / scaling.factor)).astype(np.float32)
