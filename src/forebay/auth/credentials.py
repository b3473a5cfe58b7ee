"""Who asks, by whatever credential they have: a key of the configuration, an issued one, a token."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from forebay.auth.issuing import PREFIX
from forebay.auth.keys import UNKNOWN, digest
from forebay.core.errors import AuthenticationError
from forebay.core.types import Principal

MISSING: Final = "Missing API key; send it as 'Authorization: Bearer KEY'."
CHALLENGE: Final = "www-authenticate"

FindKey = Callable[[str], Awaitable[Principal]]
Verify = Callable[[str], Awaitable[Principal]]


class Credentials:
    """Asks in turn: the keys of the configuration, ``find`` for what looks like an issued key, ``verify`` otherwise.

    ``metadata`` is where a client learns whose tokens are taken (RFC 9728, section 5.1).
    """

    def __init__(
        self,
        keys: Mapping[bytes, Principal],
        find: FindKey | None = None,
        verify: Verify | None = None,
        metadata: str = "",
    ) -> None:
        self._keys = keys
        self._find = find
        self._verify = verify
        self._metadata = f'resource_metadata="{metadata}"' if metadata else ""

    async def authenticate(self, authorization: str | None) -> Principal:
        """The principal behind an ``Authorization`` header.

        Raises:
            AuthenticationError: there is none, or it is unknown.
            UnavailableError: it cannot be checked now.
        """
        try:
            return await self._authenticate(authorization)
        except AuthenticationError as error:
            if self._metadata:
                told = error.headers[CHALLENGE]
                error.headers[CHALLENGE] = f"{told}{', ' if '=' in told else ' '}{self._metadata}"
            raise

    async def _authenticate(self, authorization: str | None) -> Principal:
        if authorization is None:
            raise AuthenticationError(MISSING, challenge="Bearer")
        scheme, _, text = authorization.partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not text:
            raise AuthenticationError(UNKNOWN)
        principal = self._keys.get(digest(text))
        if principal is not None:
            return principal
        if self._find is not None and text.startswith(PREFIX):
            return await self._find(text)
        if self._verify is not None:
            return await self._verify(text)
        raise AuthenticationError(UNKNOWN)
