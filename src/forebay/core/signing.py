"""The keys by which this server signs tokens, and who keeps them."""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class SigningKey(msgspec.Struct, frozen=True):
    """The ``number``-th key, as it is kept: ``sealed`` is the private key, encrypted; ``kid`` is its name in tokens.

    It signs from ``starts`` (seconds since the epoch) until the next one does.
    """

    number: int
    kid: str
    starts: float
    sealed: str


class SigningBook(Protocol):
    """Where signing keys are kept. Every method raises `UnavailableError` where it cannot be asked now."""

    async def list(self) -> Sequence[SigningKey]:
        """All keys, the oldest first."""
        ...

    async def add(self, key: SigningKey, /) -> None:
        """Keep a new one, unless another process has added one of that number."""
        ...

    async def remove(self, number: int, /) -> None:
        """Forget that key and all before it."""
        ...
