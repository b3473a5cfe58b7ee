"""An embedder for tests: the vector counts a text's longer words, so what shares them is near."""

import hashlib
import math
from array import array

DIMENSIONS = 64
_SMALL = 3


class CountingEmbedder:
    """Counts how often it was asked; texts of more than ``longest`` words are too long for it."""

    def __init__(self, name: str = "counting", longest: int = 100) -> None:
        self.name = name
        self.dimensions = DIMENSIONS
        self.asked: list[str] = []
        self.started = False
        self.closed = False
        self._longest = longest

    async def start(self) -> None:
        self.started = True

    async def embed(self, text: str, /) -> "array[float] | None":
        self.asked.append(text)
        words = text.split()
        if len(words) > self._longest:
            return None
        counts = [0.0] * DIMENSIONS
        for word in [word for word in words if len(word) > _SMALL] or words:
            counts[hashlib.sha256(word.encode()).digest()[0] % DIMENSIONS] += 1
        length = math.hypot(*counts) or 1.0
        return array("f", [count / length for count in counts])

    async def close(self) -> None:
        self.closed = True
