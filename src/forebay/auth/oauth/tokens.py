"""Verifies tokens: from text to principal, once for each, then out of memory until it ends."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from joserfc.jwk import OctKey

from forebay.auth.oauth import claims
from forebay.auth.oauth.discovery import Discovery
from forebay.auth.oauth.errors import InvalidTokenError
from forebay.auth.oauth.fetched import Fetch
from forebay.auth.oauth.introspection import Introspection, Post
from forebay.auth.oauth.jwks import Key, KeySet
from forebay.auth.oauth.opaque import OpaqueTokens
from forebay.auth.oauth.signature import check_signature
from forebay.auth.oauth.token import LONGEST, Parts, is_jwt, take_apart
from forebay.core.types import Principal
from forebay.settings import IssuerSettings

REMEMBERED: Final = 10_000
JWT_SECONDS: Final = 300.0
OPAQUE_SECONDS: Final = 60.0
"""How long a verified token is believed without another look, if it does not end before."""

SYMMETRIC: Final = "HS256"


class _Known(msgspec.Struct, frozen=True):
    principal: Principal
    until: float
    checked: float


class Issuer:
    """One issuer: its settings, its keys, and whom to ask about opaque tokens."""

    def __init__(self, settings: IssuerSettings, fetch: Fetch, post: Post) -> None:
        self.settings = settings
        self._types = frozenset(kind.lower() for kind in settings.types)
        self._secret = OctKey.import_key(settings.secret.reveal().encode()) if settings.secret else None
        self._discovery = Discovery(settings.issuer, fetch)
        self._keys = KeySet(self._jwks_uri, fetch) if settings.has_keys else None
        self.introspection = Introspection(settings.introspection, post) if settings.introspection else None

    async def verify(self, text: str, parts: Parts) -> Mapping[str, Any]:
        """The claims of ``text``, which this issuer has signed.

        Raises:
            InvalidTokenError: it has not, or not in a way that we take from it.
            UnavailableError: its keys cannot be had now.
        """
        if parts.algorithm not in self.settings.algorithms:
            raise InvalidTokenError("it is signed by an algorithm that is not allowed")
        if parts.type not in self._types:
            raise InvalidTokenError("it is of another type")
        key = await self._key(parts)
        check_signature(text, parts.algorithm, key)
        return parts.claims

    async def close(self) -> None:
        """Stop fetching keys."""
        await self._discovery.close()
        if self._keys is not None:
            await self._keys.close()

    async def _jwks_uri(self) -> str:
        return self.settings.jwks_uri or await self._discovery.jwks_uri()

    async def _key(self, parts: Parts) -> Key | OctKey:
        """A secret is for HS256 alone, and a published key never for it."""
        found: Key | OctKey | None = None
        if parts.algorithm == SYMMETRIC:
            found = self._secret
        elif self._keys is not None:
            found = await self._keys.key(parts.kid, parts.algorithm)
        if found is None:
            raise InvalidTokenError("it is signed by an unknown key")
        return found


class Tokens:
    """Knows the principal behind each token of ``issuers``."""

    def __init__(self, issuers: Sequence[IssuerSettings], fetch: Fetch, post: Post) -> None:
        self._issuers = {each.issuer: Issuer(each, fetch, post) for each in issuers}
        self._known: dict[bytes, _Known] = {}
        self._opaque = OpaqueTokens(self._introspected)

    async def verify(self, text: str) -> Principal:
        """Who the bearer of ``text`` is.

        Raises:
            InvalidTokenError: nobody that we know.
            UnavailableError: it cannot be checked now.
        """
        if len(text) > LONGEST:
            raise InvalidTokenError("it is too long")
        digest, now = hashlib.sha256(text.encode()).digest(), time.time()
        known = self._known.get(digest)
        # A clock that was set back must not make a token last longer than it was to be.
        if known is not None and known.checked <= now < known.until:
            return known.principal
        principal, until = await (self._jwt(text) if is_jwt(text) else self._opaque_one(digest, text))
        if len(self._known) >= REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[digest] = _Known(principal, until, now)
        return principal

    async def close(self) -> None:
        """Stop whatever is under way."""
        await self._opaque.close()
        for issuer in self._issuers.values():
            await issuer.close()

    async def _jwt(self, text: str) -> tuple[Principal, float]:
        parts = take_apart(text)
        name = parts.claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise InvalidTokenError("it is from another issuer")
        return _believed(await issuer.verify(text, parts), issuer.settings, JWT_SECONDS)

    async def _opaque_one(self, digest: bytes, text: str) -> tuple[Principal, float]:
        if all(issuer.introspection is None for issuer in self._issuers.values()):  # nothing to ask, or to remember
            raise InvalidTokenError("it is no token of a known issuer")
        return await self._opaque.verify(digest, text)

    async def _introspected(self, text: str) -> tuple[Principal, float]:
        """Ask each issuer that can be asked, one after the other."""
        refused = InvalidTokenError("it is no token of a known issuer")
        for issuer in self._issuers.values():
            if issuer.introspection is not None:
                try:
                    found = await issuer.introspection.claims(text)
                except InvalidTokenError as error:
                    refused = error
                    continue
                # The issuer that was asked need not repeat its name, nor whom and how long the token is for.
                own = issuer.settings
                told = {"iss": own.issuer, "aud": list(own.audience), "exp": time.time() + OPAQUE_SECONDS, **found}
                return _believed(told, issuer.settings, OPAQUE_SECONDS)
        raise refused


def _believed(found: Mapping[str, Any], settings: IssuerSettings, seconds: float) -> tuple[Principal, float]:
    now = time.time()
    ends = claims.check(found, settings, now)
    return claims.principal(found, settings), min(ends, now + seconds)
