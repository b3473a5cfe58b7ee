"""Tokens of this server that were revoked before their end, and who keeps them."""

from collections.abc import Mapping
from typing import Protocol


class RevocationBook(Protocol):
    """Where they are kept until they end. Every method raises `UnavailableError` where it cannot be asked now."""

    async def version(self) -> int:
        """Another number after every change."""
        ...

    async def active(self, now: float, /) -> Mapping[str, float]:
        """The ids (``jti``) of those that have not ended, and when they do, in seconds since the epoch."""
        ...

    async def add(self, identity: str, ends: float, /) -> None:
        """Keep one until it ``ends``; those that have ended are forgotten."""
        ...
