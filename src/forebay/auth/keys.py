"""What every way to authenticate shares: who everybody is where nobody is asked, and what is kept of a key."""

import hashlib
from typing import Final

from forebay.core.types import Principal

ANONYMOUS: Final = Principal(name="anonymous", watermark="choose")
UNKNOWN: Final = "Incorrect API key provided; check the key, or ask who runs this server for one."


class Anonymous:
    """No authentication: everybody is the same principal, whatever credential is sent."""

    async def authenticate(self, authorization: str | None) -> Principal:  # noqa: ARG002  # the port's signature
        """The anonymous principal."""
        return ANONYMOUS


def digest(key: str) -> bytes:
    """The SHA-256 of ``key``, by which a key of the configuration is looked up: no comparison depends on a secret."""
    return hashlib.sha256(key.encode()).digest()
