"""What holds the stored questions of the semantic tier: this process, or a server that all processes ask."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class Candidate(NamedTuple):
    """A stored question near the one that was asked."""

    key: bytes
    text: str
    cosine: float


class Row(NamedTuple):
    """A question to be found: its ``text`` is normalised, it ``expires`` at so many seconds since the epoch."""

    key: bytes
    scope: bytes
    text: str
    vector: bytes
    expires: float


class QuestionIndex(Protocol):
    """Questions with their vectors. What cannot be asked now raises `CacheUnavailableError`."""

    @property
    def is_shared(self) -> bool:
        """Whether every process that has the same store has this very index."""
        ...

    async def same(self, scope: bytes, text: str, /) -> bytes | None:
        """The key of the question of ``scope`` with these very words."""
        ...

    async def nearest(self, scope: bytes, vector: bytes, count: int, /) -> list[Candidate]:
        """Up to ``count`` questions of ``scope``, the nearest first; none that has expired."""
        ...

    async def add(self, rows: Sequence[Row], /) -> None:
        """Let ``rows`` be found."""
        ...

    async def remove(self, key: bytes, /) -> None:
        """Let ``key`` be found no more; one that is not there is fine."""
        ...

    async def clear(self) -> None:
        """Forget what only this process knows."""
        ...

    def gauges(self) -> Mapping[str, float]:
        """Its state in figures."""
        ...

    async def close(self) -> None:
        """Free everything."""
        ...


@runtime_checkable
class SharesQuestions(Protocol):
    """A store that may have an index of its own, which all processes share."""

    async def questions(self, embedder: str, most: int, /) -> QuestionIndex | None:
        """Its index of at most ``most`` vectors of ``embedder``; ``None`` where it cannot have one.

        Raises:
            CacheUnavailableError: it cannot be asked now.
        """
        ...
