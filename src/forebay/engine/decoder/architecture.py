"""What has to be known of a decoder beside its weights, and where weights come from: the words of this package."""

from typing import Final, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from forebay.engine.decoder.codes import Codes

Floats = npt.NDArray[np.float32]

LAYER: Final = "layers.{}"
EMBEDDING: Final = "embed_tokens"
HEAD: Final = "lm_head"
NORM: Final = "norm"


class Architecture(msgspec.Struct, frozen=True, kw_only=True):
    """The shape of a decoder of Llama's family.

    ``inner`` is the width between ``gate_proj`` and ``down_proj``; ``frequencies`` are how far, in radians, a position
    turns each pair of a head's numbers: ``head_size / 2`` of them.
    """

    name: str
    layers: int
    hidden: int
    inner: int
    heads: int
    kv_heads: int
    head_size: int
    epsilon: float
    frequencies: Floats


class Weights(Protocol):
    """Where a decoder's weights come from. Names are Hugging Face's, without ``model.`` before them.

    So is the order of rows: a head's first half of numbers is turned against its second half.
    """

    @property
    def architecture(self) -> Architecture:
        """The shape of the decoder."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is a tensor ``name``, such as ``layers.0.self_attn.q_proj.bias``."""
        ...

    def matrix(self, name: str) -> Codes:
        """The weight of the module ``name``, such as ``layers.0.self_attn.q_proj``: [outputs, inputs].

        Raises:
            ConversionError: there is none, or it is of a type that cannot be read.
        """
        ...

    def vector(self, name: str) -> Floats:
        """The tensor ``name``, such as ``norm.weight``, of one dimension.

        Raises:
            ConversionError: there is none, or it is no vector.
        """
        ...

    def unused(self) -> list[str]:
        """The tensors that nobody has asked for."""
        ...
