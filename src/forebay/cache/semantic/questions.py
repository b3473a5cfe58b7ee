"""The stored questions in memory: their keys, texts, ends and vectors, consistent with each other.

It is for one thread at a time, but for `same`.

Each has a number, its place in the lists. Places that became free are filled again, so "the oldest" is exact only where
nothing was removed in between; otherwise it is an old one.
"""

from array import array
from typing import Final

import msgspec

from forebay.cache.semantic.holding import Candidate
from forebay.cache.semantic.index import Vectors

_SWEPT: Final = 2
"""How many places each addition looks through for what has expired: twice round before all is new."""


class _Record(msgspec.Struct, frozen=True, gc=False):
    key: bytes
    scope: bytes
    text: str


class Questions:
    """At most ``most`` questions; where one more comes, the oldest goes."""

    def __init__(self, dimensions: int, most: int) -> None:
        self._most = most
        self._vectors = Vectors(dimensions)
        self._records: list[_Record | None] = []
        self._expires = array("d")
        self._free: list[int] = []
        self._numbers: dict[bytes, int] = {}
        self._spelled: dict[int, int] = {}
        self._swept = 0
        self._oldest = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def size(self) -> int:
        """What the vectors take."""
        return self._vectors.size()

    def expiry(self, key: bytes) -> float | None:
        """Until when ``key`` is found; ``None`` where it is not."""
        number = self._numbers.get(key)
        return None if number is None else self._expires[number]

    def add(self, key: bytes, scope: bytes, text: str, vector: bytes, expires: float, now: float) -> None:  # noqa: PLR0913, PLR0917 - a row
        """Let ``text``, which is normalised, be found under ``key`` until ``expires``.

        Raises:
            ValueError: the vector has another length.
        """
        self.remove(key)
        self._sweep(now)
        record = _Record(key, scope, text)
        number = self._free[-1] if self._free else len(self._records)
        self._vectors.add(scope, number, vector)
        if self._free:
            self._free.pop()
            self._records[number], self._expires[number] = record, expires
        else:
            self._records.append(record)
            self._expires.append(expires)
        self._numbers[key] = number
        self._spelled[hash((scope, text))] = number

    def remove(self, key: bytes) -> None:
        """Let ``key`` be found no more; one that is not there is fine."""
        number = self._numbers.pop(key, None)
        if number is None:
            return
        record = self._record(number)
        self._vectors.remove(record.scope, number)
        spelled = hash((record.scope, record.text))
        if self._spelled.get(spelled) == number:
            del self._spelled[spelled]
        self._records[number] = None
        self._free.append(number)

    def same(self, scope: bytes, text: str, now: float) -> bytes | None:
        """The key of the question of ``scope`` with these very words; this may be asked from any thread."""
        number = self._spelled.get(hash((scope, text)))
        record = self._records[number] if number is not None else None
        # It may have gone since, and two texts may share a hash.
        if number is None or record is None or (record.scope, record.text) != (scope, text):
            return None
        return record.key if self._lives(number, now) else None

    def nearest(self, scope: bytes, vector: bytes, count: int, now: float) -> list[Candidate]:
        """Up to ``count`` questions of ``scope``, the nearest first; what has expired goes for good."""
        while True:
            near = self._vectors.nearest(scope, vector, count)
            expired = [found.number for found in near if not self._lives(found.number, now)]
            if not expired:
                return [Candidate(self._record(it.number).key, self._record(it.number).text, it.cosine) for it in near]
            for number in expired:
                self.remove(self._record(number).key)

    def _record(self, number: int) -> _Record:
        record = self._records[number]
        if record is None:
            raise LookupError(f"question {number} is gone")
        return record

    def _lives(self, number: int, now: float) -> bool:
        return self._expires[number] > now

    def _sweep(self, now: float) -> None:
        """Forget some of what has expired, and, while there are too many, the oldest."""
        for _ in range(min(_SWEPT, len(self._records))):
            self._swept = (self._swept + 1) % len(self._records)
            record = self._records[self._swept]
            if record is not None and not self._lives(self._swept, now):
                self.remove(record.key)
        while len(self) >= self._most:
            record = self._records[self._oldest]
            self._oldest = (self._oldest + 1) % len(self._records)
            if record is not None:
                self.remove(record.key)
