"""The revoked tokens in memory, so that no request waits for a database; other processes' are seen within a second."""

import time
from typing import Final

from forebay.core.errors import UnavailableError
from forebay.core.following import Following
from forebay.core.revocations import RevocationBook

POLL_SECONDS: Final = 0.4

MOST: Final = 100_000
"""So many tokens are revoked at a time; they end by themselves within an hour."""


class Revoked:
    """Knows which tokens are good no more. While the ``book`` is away, what was known last goes on."""

    def __init__(self, book: RevocationBook) -> None:
        self._book = book
        self._ends: dict[str, float] = {}
        self._version: int | None = None
        self._following: Following | None = None

    def knows(self, identity: str) -> bool:
        """Whether the token with that ``jti`` was revoked."""
        return identity in self._ends

    async def add(self, identity: str, ends: float) -> None:
        """Revoke one that would be good until ``ends``; here it is known at once.

        Raises:
            UnavailableError: the book is away, or full, and the token still good.
        """
        if len(self._ends) >= MOST:
            raise UnavailableError("Too many tokens have been revoked; try again later.", headers={"retry-after": "60"})
        await self._book.add(identity, ends)
        self._ends[identity] = ends

    async def refresh(self) -> None:
        """Know them as they are now.

        Raises:
            UnavailableError: the book is away.
        """
        version = await self._book.version()
        if version != self._version:
            now = time.time()
            found = await self._book.active(now)
            # One that was added here while this was read may not be in it.
            self._ends = {**{each: ends for each, ends in self._ends.items() if ends > now}, **found}
            self._version = version

    async def start(self) -> None:
        """Know them, if the book is there, and see every change from now on."""
        self._following = Following(self.refresh, POLL_SECONDS, "revoked tokens cannot be seen")
        await self._following.start()

    async def close(self) -> None:
        """See no more changes."""
        if self._following is not None:
            await self._following.close()
