"""A semantic index to which texts of the same words are the same: for tests of what stands around one."""

from collections.abc import AsyncIterator, Mapping

from forebay.core.entries import CacheUnavailableError, Entry, Match, Question

EMBEDDER = "words/1"


class SameWords:
    """The index; ``down`` makes it fail."""

    def __init__(self) -> None:
        self.held: dict[bytes, Question] = {}
        self.asked = 0
        self.threshold = 0.0
        self.down = False
        self.is_shared = False

    async def start(self) -> None:
        """Nothing."""

    async def question(self, scope: bytes, text: str) -> Question:
        return Question(scope, text, words(text), EMBEDDER)

    async def find(self, scope: bytes, text: str, threshold: float) -> Match | None:
        if self.down:
            raise CacheUnavailableError("down")
        self.asked += 1
        self.threshold = threshold
        for key, held in self.held.items():
            if (held.scope, held.vector) == (scope, words(text)):
                return Match(key, 0.97)
        return None

    async def add(self, key: bytes, question: Question, expires: float) -> None:
        if question.embedder == EMBEDDER and expires:
            self.held[key] = question

    async def remove(self, key: bytes) -> None:
        self.held.pop(key, None)

    async def rebuild(self, entries: AsyncIterator[tuple[bytes, Entry]]) -> int:
        self.held = {key: entry.question async for key, entry in entries if entry.question is not None}
        return len(self.held)

    def gauges(self) -> Mapping[str, float]:
        return {"entries": len(self.held)}

    async def close(self) -> None:
        self.held.clear()


def words(text: str) -> bytes:
    return " ".join(sorted(text.lower().split())).encode()
