"""Vectors and cosines as the semantic cache sees them, each text computed once."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forebay.cache.semantic.index import packed
from forebay.engine import catalog, library
from forebay.engine.minilm import Embedder

_LONGEST = 512


class Cosines:
    """Makes vectors of normalised texts, in eight bits throughout, and compares them."""

    def __init__(self) -> None:
        self._embedder = Embedder(library.ensure(catalog.EMBEDDING), threads=1, precision="i8")
        self.vector = cache(self._vector)

    def _vector(self, text: str) -> NDArray[Any]:
        made = self._embedder.embed(self._embedder.tokens(text, _LONGEST)[:_LONGEST])
        small = np.frombuffer(packed(made), np.int8).astype(np.float32)
        return small / np.linalg.norm(small)

    def __call__(self, one: str, other: str) -> float:
        """The cosine of two normalised texts."""
        return float(self.vector(one) @ self.vector(other))
