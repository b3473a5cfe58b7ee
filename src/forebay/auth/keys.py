"""API keys out of the settings: who holds one is known by its hash."""

import hashlib
from collections.abc import Iterable, Mapping

from forebay.core.errors import AuthenticationError
from forebay.core.types import Principal

ANONYMOUS = Principal(name="anonymous", watermark="choose")


class Anonymous:
    """No authentication: everybody is the same principal, whatever credential is sent."""

    async def authenticate(self, authorization: str | None) -> Principal:  # noqa: ARG002  # the port's signature
        """The anonymous principal."""
        return ANONYMOUS


class Keys:
    """Bearer tokens (RFC 6750) that are looked up by their SHA-256, so that no comparison depends on a secret."""

    def __init__(self, principals: Mapping[bytes, Principal]) -> None:
        self._principals = principals

    @classmethod
    def of(cls, keys: Iterable[tuple[str, Principal]]) -> "Keys":
        """From keys in plain text and whose they are; the text is not kept."""
        return cls({digest(key): principal for key, principal in keys})

    async def authenticate(self, authorization: str | None) -> Principal:
        """The principal that holds the key.

        Raises:
            AuthenticationError: there is no bearer token, or nobody holds it.
        """
        if authorization is None:
            raise AuthenticationError("Missing API key; send it as 'Authorization: Bearer KEY'.", challenge="Bearer")
        scheme, _, token = authorization.partition(" ")
        principal = self._principals.get(digest(token.strip())) if scheme.lower() == "bearer" else None
        if principal is None:
            raise AuthenticationError("Incorrect API key provided; check the key, or ask who runs this server for one.")
        return principal


def digest(key: str) -> bytes:
    """The SHA-256 of ``key``."""
    return hashlib.sha256(key.encode()).digest()
