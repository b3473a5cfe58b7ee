"""The nouns of caching: a stored reply, the question it answers, and what is said of a store."""

from typing import Final

import msgspec

from forebay.core.types import Usage

CLOCK_SLACK: Final = 60.0
"""Seconds by which the clocks of those who share a store may differ."""


class CacheUnavailableError(Exception):
    """A store cannot be asked now; requests go on without it, and the outage is counted."""


class Question(msgspec.Struct, frozen=True, gc=False):
    """What a stored reply answers, as far as another wording may ask the same.

    ``scope`` is a hash of everything else in the request, which must be equal: tenant, model, history, instructions.
    ``vector`` is what ``embedder`` (a name with the versions of model, quantisation and normaliser) made of ``text``;
    one of another embedder is of no use.
    """

    scope: bytes
    text: str
    vector: bytes = b""
    embedder: str = ""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A stored reply: the whole of its JSON, and when it was made and ends (seconds since the epoch).

    The labels say whose it is and what may be deleted together. ``usage`` and ``deployment`` are those of the call that
    was paid for; ``mark`` is the id of the key that its text is marked with, if it is.
    """

    body: bytes
    made: float
    expires: float
    tenant: str = "default"
    namespace: str = ""
    model: str = ""
    operation: str = ""
    deployment: str = ""
    usage: Usage | None = None
    question: Question | None = None
    mark: str = ""

    def lives(self, now: float) -> bool:
        """Whether it may be used at ``now``; not if it was made after that, for then the clock has jumped."""
        return self.made - CLOCK_SLACK <= now < self.expires

    def age(self, now: float) -> float:
        """Seconds since it was made."""
        return max(0.0, now - self.made)


class Selection(msgspec.Struct, frozen=True, gc=False):
    """Entries by their labels; ``None`` is any."""

    tenant: str | None = None
    namespace: str | None = None
    model: str | None = None

    def holds(self, entry: Entry) -> bool:
        """Whether ``entry`` is among them."""
        return (
            self.tenant in (None, entry.tenant)
            and self.namespace in (None, entry.namespace)
            and self.model in (None, entry.model)
        )


class StoreStats(msgspec.Struct, frozen=True, gc=False):
    """How full a store is: entries that have not expired, and the bytes that it holds them in, as far as it knows."""

    entries: int
    bytes: int


class Match(msgspec.Struct, frozen=True, gc=False):
    """An entry whose question means the same, by its key; ``similarity`` is the cosine, 1.0 for the same words."""

    key: bytes
    similarity: float


class News(msgspec.Struct, frozen=True, gc=False):
    """Entries that were written, and the ``mark`` after which to go on; an empty one: nobody else writes there.

    There may be entries in them without a question, and some that were written by whoever asks.
    """

    mark: str = ""
    entries: list[tuple[bytes, Entry]] = []
