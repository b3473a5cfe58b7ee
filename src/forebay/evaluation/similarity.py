"""How alike two answers are: by their words, or by their embeddings."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

WORD: Final = re.compile(r"\w+")


def overlap(one: str, other: str) -> float:
    """How alike two texts are by their words, 0 to 1: F1 of the words that both have (as SQuAD's)."""
    mine, theirs = Counter(WORD.findall(one.lower())), Counter(WORD.findall(other.lower()))
    if not mine or not theirs:
        return float(one.strip() == other.strip())
    return 2 * (mine & theirs).total() / (mine.total() + theirs.total())


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """How alike two vectors are, 0 to 1."""
    lengths = math.sqrt(math.fsum(a * a for a in one)) * math.sqrt(math.fsum(b * b for b in other))
    product = math.fsum(a * b for a, b in zip(one, other, strict=True))
    return max(0.0, min(1.0, product / lengths)) if lengths else 0.0
