"""The vectors of stored questions, scope by scope, and the nearest of them; for one thread at a time.

A scope is most often small: every conversation has one of its own. So the vectors of a scope lie in one block and all
of them are compared, until they are so many that a graph (HNSW) pays. Only the vectors of the scope that is asked for
are ever looked at: nothing is filtered afterwards, so nothing of another scope can take the place of a hit.

Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using HNSW graphs" (2016).
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

GRAPH_FROM: Final = 1024
"""From how many vectors on a scope gets a graph; as many are compared one by one in 0.1 ms."""

_NEIGHBOURS: Final = 12
"""How many each vector is linked with: fewer are found less surely, more take memory."""

Vector = NDArray[np.int8]


class Near(NamedTuple):
    """A stored vector, by its number, and the cosine."""

    number: int
    cosine: float


def packed(vector: NDArray[np.float32]) -> bytes:
    """``vector`` in bytes from -127 to 127, one a dimension; the scale is its own, so that none of them is wasted."""
    largest = float(np.abs(vector).max(initial=0.0)) or 1.0
    small: Vector = np.rint(vector / np.float32(largest) * 127).astype(np.int8)
    return small.tobytes()


class Vectors:
    """Packed vectors of one length, each with a number and in a scope."""

    def __init__(self, dimensions: int, graph_from: int = GRAPH_FROM) -> None:
        self._dimensions = dimensions
        self._graph_from = graph_from
        self._scopes: dict[bytes, _Block | _Graph] = {}

    def add(self, scope: bytes, number: int, vector: bytes) -> None:
        """Let ``vector`` be found in ``scope`` by ``number``, which is new.

        Raises:
            ValueError: it has another length.
        """
        if len(vector) != self._dimensions:
            raise ValueError(f"a vector has {self._dimensions} dimensions, not {len(vector)}")
        part = self._scopes.get(scope)
        if part is None:
            part = self._scopes[scope] = _Block(self._dimensions)
        elif isinstance(part, _Block) and len(part) >= self._graph_from:
            part = self._scopes[scope] = _Graph(self._dimensions, part)
        part.add(number, vector)

    def remove(self, scope: bytes, number: int) -> None:
        """Let the vector with this number, which is in ``scope``, be found no more."""
        part = self._scopes[scope]
        part.remove(number)
        if not len(part):
            del self._scopes[scope]

    def nearest(self, scope: bytes, vector: bytes, count: int) -> list[Near]:
        """Up to ``count`` vectors of ``scope``, the nearest first."""
        part = self._scopes.get(scope)
        return part.nearest(_array(vector), count) if part else []

    def size(self) -> int:
        """What the vectors and graphs take, as far as they know."""
        return sum(part.size() for part in self._scopes.values())


class _Block:
    """Few vectors, one behind the other."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._numbers: list[int] = []
        self._rows = bytearray()

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        size = self._dimensions
        for place, number in enumerate(self._numbers):
            yield number, bytes(self._rows[place * size : (place + 1) * size])

    def add(self, number: int, vector: bytes) -> None:
        self._numbers.append(number)
        self._rows += vector

    def remove(self, number: int) -> None:
        """The last takes the place of the one that goes."""
        place, size = self._numbers.index(number), self._dimensions
        self._numbers[place] = self._numbers[-1]
        self._rows[place * size : (place + 1) * size] = self._rows[-size:]
        self._numbers.pop()
        del self._rows[-size:]

    def nearest(self, vector: Vector, count: int) -> list[Near]:
        rows = np.frombuffer(self._rows, np.int8).reshape(-1, self._dimensions).astype(np.float32)
        asked = vector.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows)) * np.linalg.norm(asked)
        cosines = rows @ asked / np.maximum(lengths, 1e-9)
        best = np.argsort(-cosines, kind="stable")[:count]
        return [Near(self._numbers[place], float(cosines[place])) for place in best]

    def size(self) -> int:
        return len(self._rows)


class _Graph:
    """Many vectors."""

    def __init__(self, dimensions: int, block: _Block) -> None:
        self._index = Index(ndim=dimensions, metric="cos", dtype="i8", connectivity=_NEIGHBOURS)
        for number, vector in block:
            self.add(number, vector)

    def __len__(self) -> int:
        return len(self._index)

    def add(self, number: int, vector: bytes) -> None:
        self._index.add(number, _array(vector), threads=1)

    def remove(self, number: int) -> None:
        self._index.remove(number)

    def nearest(self, vector: Vector, count: int) -> list[Near]:
        found = self._index.search(vector, count, threads=1)
        return [Near(int(key), 1 - float(far)) for key, far in zip(found.keys, found.distances, strict=True)]

    def size(self) -> int:
        return int(self._index.memory_usage)


def _array(vector: bytes) -> Vector:
    return np.frombuffer(vector, np.int8)
