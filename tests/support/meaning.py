"""A gateway's models for guards that ask one: vectors by the words of a text, and a judge that was told what to say."""

import math
import re
from collections.abc import Mapping
from typing import Any
from zlib import crc32

from forebay.core.types import Operation
from forebay.plugins import GuardTools
from tests.support.guarding import TOOLS

DIMENSIONS = 512


def embedded(text: str) -> list[float]:
    """A vector in which the words of ``text`` count: texts with the same words are near."""
    vector = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+", text.lower()):
        vector[crc32(word.encode()) % DIMENSIONS] += 1
    length = math.hypot(*vector) or 1.0
    return [each / length for each in vector]


class Models:
    """Answers like the gateway; remembers what it was asked."""

    def __init__(self, answer: str = "") -> None:
        self.asked: list[tuple[Operation, Mapping[str, Any]]] = []
        self._answer = answer

    async def __call__(self, operation: Operation, body: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((operation, body))
        if operation is Operation.CHAT:
            return {"choices": [{"message": {"role": "assistant", "content": self._answer}}]}
        rows = [{"index": index, "embedding": embedded(text)} for index, text in enumerate(body["input"])]
        return {"data": rows[::-1]}

    @property
    def tools(self) -> GuardTools:
        return GuardTools(self, TOOLS.post)
