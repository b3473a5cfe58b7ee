"""A text in sentences, and how near in meaning two of them are."""

import math
import re
from collections.abc import Sequence

from forebay.core.types import Operation
from forebay.guards.validators.base import blocked
from forebay.plugins import Ask

MAX_SENTENCES = 200
MAX_CHARACTERS = 600
SENTENCE = re.compile(rf"[^.!?\n…。！？]{{1,{MAX_CHARACTERS}}}(?:[.!?…。！？]+|\n|$)?")  # noqa: RUF001  # full stops of Chinese

Vector = Sequence[float]


TOO_LONG = blocked(f"it has more than {MAX_SENTENCES} sentences, too many to judge")


def sentences(text: str) -> list[tuple[int, int]] | None:
    """Where the sentences of ``text`` that hold letters begin and end; a long one is cut.

    ``None`` where there are more than `MAX_SENTENCES`.
    """
    found = []
    for match in SENTENCE.finditer(text):
        if any(map(str.isalpha, match[0])):
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            found.append((start, match.start() + len(match[0].rstrip())))
        if len(found) > MAX_SENTENCES:
            return None
    return found


class Embedder:
    """Sentences as vectors of length 1, by an embedding model of the gateway."""

    def __init__(self, ask: Ask, model: str) -> None:
        self._ask = ask
        self._model = model

    async def __call__(self, texts: Sequence[str]) -> list[Vector]:
        """One vector for each of ``texts``.

        Raises:
            ForebayError: the model cannot be asked.
            ValueError: it answered with something else than a vector for each.
        """
        if not texts:
            return []
        plain = [text.encode(errors="replace").decode() for text in texts]
        reply = await self._ask(Operation.EMBEDDING, {"model": self._model, "input": plain})
        rows = sorted(reply["data"], key=lambda row: int(row["index"]))
        if len(rows) != len(plain):
            raise ValueError(f"{len(plain)} texts were embedded as {len(rows)} vectors")
        return [_unit(row["embedding"]) for row in rows]


def cosine(one: Vector, other: Vector) -> float:
    """How near in meaning, between -1 and 1: 1 is the same."""
    return sum(map(float.__mul__, one, other))


def _unit(vector: Sequence[float]) -> Vector:
    length = math.hypot(*vector) or 1.0
    return [each / length for each in vector]
