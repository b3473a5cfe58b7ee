"""Links that show one thing to whoever has them, for a while; what is kept of a link is a digest."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

Shared = Literal["report", "conversation"]


class Share(msgspec.Struct, frozen=True):
    """What a link shows until ``expires``, and who made it; moments are seconds since the epoch.

    A report is kept as it was when it was shared (``page``, HTML). Of a ``conversation`` the branch to ``leaf`` is
    shown, as long as it is there.
    """

    id: str
    tenant: str
    owner: str
    what: Shared
    created: float
    expires: float
    conversation: str = ""
    leaf: str = ""
    title: str = ""
    page: bytes = b""


class ShareBook(Protocol):
    """Where links are kept; every method raises `UnavailableError` where it cannot be asked now."""

    async def add(self, digest: bytes, share: Share, /) -> None:
        """Keep a new one; those that have expired are forgotten."""
        ...

    async def open(self, digest: bytes, now: float, /) -> Share | None:
        """What the link with that digest shows now."""
        ...

    async def list(self, owner: tuple[str, str] | None, now: float, limit: int, /) -> Sequence[Share]:
        """The latest of a tenant's principal, or of all, that have not expired; without their pages."""
        ...

    async def remove(self, identity: str, owner: tuple[str, str] | None, /) -> bool:
        """Let one show nothing any more; whether there was such a one of the owner's."""
        ...
