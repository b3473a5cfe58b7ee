"""What people thought of answers, and what can be asked of whoever keeps it."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

Rating = Literal["up", "down"]


class Feedback(msgspec.Struct, frozen=True):
    """What one principal thought of one answer: ``target`` is the id of a response, an item or a request."""

    id: str
    created: float
    tenant: str
    principal: str
    kind: Literal["response", "item", "request"]
    target: str
    rating: Rating | None = None
    score: float | None = None
    comment: str = ""
    correction: str = ""
    labels: tuple[str, ...] = ()


class FeedbackQuery(msgspec.Struct, frozen=True):
    """Whose and about what (``None``: any), after the row called ``after``."""

    tenant: str | None = None
    principal: str | None = None
    target: str | None = None
    rating: Rating | None = None
    after: str = ""


class FeedbackBook(Protocol):
    """Keeps feedback; raises `UnavailableError` where that cannot be done now."""

    async def put(self, feedback: Feedback) -> Feedback:
        """Keep it in place of what the same principal said of the same answer; what was kept has the first one's id."""
        ...

    async def list(self, query: FeedbackQuery, limit: int) -> Sequence[Feedback]:
        """The first ``limit`` rows, the latest first."""
        ...

    async def delete(self, tenant: str, principal: str, identity: str) -> None:
        """Take it back.

        Raises:
            NotFoundError: there is no such row of theirs.
        """
        ...
