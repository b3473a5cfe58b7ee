"""Passwords that the server has made, and who keeps them: as hashes only."""

from typing import Protocol


class PasswordBook(Protocol):
    """Where they are kept, by whose they are. Every method raises `UnavailableError` where it cannot be asked now."""

    async def find(self, name: str, /) -> str | None:
        """The hash of that of ``name``."""
        ...

    async def add(self, name: str, hashed: str, /) -> bool:
        """Keep one for ``name``; false if there is one already, which stays."""
        ...
