"""Answers that somebody should look at, and what whoever did has made of them."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol

import msgspec

Reason = Literal["thumbs_down", "guard", "sample"]
REASONS: Final[tuple[Reason, ...]] = ("thumbs_down", "guard", "sample")
"""Why an answer is in the queue: somebody disliked it, a guard objected, it was drawn."""


class Review(msgspec.Struct, frozen=True):
    """One answer in the queue, by the ``id`` of its request; moments are seconds since the epoch.

    ``labelled`` is when its ``reviewer`` did so, ``None`` while it is open; ``correction`` is what should have been
    answered.
    """

    id: str
    at: float
    tenant: str
    principal: str
    model: str
    prompt: str
    reasons: tuple[Reason, ...]
    labels: tuple[str, ...] = ()
    comment: str = ""
    correction: str = ""
    reviewer: str = ""
    labelled: float | None = None


class Verdict(msgspec.Struct, frozen=True):
    """What ``reviewer`` made of an answer ``at`` a moment."""

    reviewer: str
    at: float
    labels: tuple[str, ...]
    comment: str = ""
    correction: str = ""


class ReviewQuery(msgspec.Struct, frozen=True):
    """Which answers (``None``: any), before the moment and id of the last one that was seen."""

    tenant: str | None = None
    labelled: bool | None = None
    reason: Reason | None = None
    model: str | None = None
    before: tuple[float, str] | None = None


class Mark(msgspec.Struct, frozen=True):
    """How far the ledger and the feedback have been searched for answers, in seconds since the epoch."""

    rows: float = 0.0
    feedback: float = 0.0


class ReviewBook(Protocol):
    """Where the queue is kept; every method raises `UnavailableError` where it cannot be asked now."""

    async def mark(self) -> Mark:
        """How far the search has come."""
        ...

    async def add(self, found: Sequence[Review], mark: Mark, /) -> None:
        """Put ``found`` into the queue, to one that is there its new reasons; the search has come to ``mark``."""
        ...

    async def list(self, query: ReviewQuery, limit: int, /) -> Sequence[Review]:
        """The first ``limit``, the latest first."""
        ...

    async def find(self, identity: str, /) -> Review | None:
        """One of them."""
        ...

    async def label(self, identity: str, verdict: Verdict, /) -> None:
        """What somebody made of it, in place of what anybody made of it before."""
        ...


class Texts(msgspec.Struct, frozen=True):
    """What was asked and answered; ``kept_by`` says where that stood (``conversation`` or ``capture``)."""

    messages: Sequence[Mapping[str, str]]
    answer: str
    kept_by: Literal["conversation", "capture"]


class Queue(Protocol):
    """The queue as those see it who work on it; every method raises `UnavailableError` where that cannot be now."""

    async def list(self, query: ReviewQuery, limit: int, /) -> Sequence[Review]:
        """The first ``limit``, the latest first, with all that has happened until now."""
        ...

    async def find(self, identity: str, /) -> Review | None:
        """One of them."""
        ...

    async def label(self, identity: str, verdict: Verdict, /) -> None:
        """What somebody made of it."""
        ...

    async def texts(self, review: Review, /) -> Texts | None:
        """What was asked and answered; ``None`` where nobody kept it."""
        ...
