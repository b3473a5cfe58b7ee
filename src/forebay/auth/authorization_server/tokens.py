"""Gives tokens to whoever has an issued key, and knows them again, without asking anybody."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from forebay.auth.authorization_server.revoked import Revoked
from forebay.auth.authorization_server.signing import Signer, SigningKeys
from forebay.auth.issued import IssuedKeys
from forebay.auth.keys import UNKNOWN
from forebay.auth.oauth import claims
from forebay.auth.oauth.errors import InvalidTokenError
from forebay.auth.oauth.signature import check_signature
from forebay.auth.oauth.token import LONGEST, is_jwt, take_apart
from forebay.core.errors import AuthenticationError, InvalidRequestError
from forebay.core.keys import IssuedKey
from forebay.core.scopes import ADMIN, SCOPES
from forebay.core.types import Principal
from forebay.settings import AuthorizationServerSettings, IssuerSettings

REMEMBERED: Final = 10_000
ID_BYTES: Final = 16
BASIC: Final = 'Basic realm="forebay", charset="UTF-8"'

Verify = Callable[[str], Awaitable[Principal]]


class Granted(msgspec.Struct, frozen=True):
    """A token, how many seconds it is good for, and for what."""

    token: str
    seconds: int
    scopes: tuple[str, ...]


class _Known(msgspec.Struct, frozen=True):
    client: str
    scopes: frozenset[str]
    ends: float
    checked: float
    id: str


class TokenServer:
    """The issuer called ``issuer``, whose clients are issued keys: an id, and the key itself as secret.

    A token is worth what its key is at that moment: one that is revoked or has ended takes its tokens with it.
    """

    def __init__(
        self,
        issuer: str,
        settings: AuthorizationServerSettings,
        keys: SigningKeys,
        clients: IssuedKeys,
        revoked: Revoked,
    ) -> None:
        self._issuer = issuer
        self._lifetime = int(settings.lifetime)
        self._keys = keys
        self._clients = clients
        self._revoked = revoked
        self._own = IssuerSettings(issuer, (issuer,), types=("at+jwt",), lifetime=settings.lifetime)
        self._known: dict[bytes, _Known] = {}

    async def client(self, identity: str, secret: str) -> IssuedKey:
        """The client with that id, if ``secret`` is its own.

        Raises:
            AuthenticationError: it is not.
            UnavailableError: nobody knows yet.
        """
        try:
            key = await self._clients.key_anew(secret)
        except AuthenticationError:
            key = None
        if key is None or not hmac.compare_digest(key.id.encode(), identity.encode()):
            raise InvalidClientError
        return key

    def grant(self, client: IssuedKey, wanted: str | None) -> Granted:
        """A token for ``client``, for the scopes in ``wanted`` or for all that it has.

        Raises:
            InvalidRequestError: it has not all of them.
            UnavailableError: there is no key to sign with.
        """
        has = _scopes(client)
        scopes = has if wanted is None else tuple(dict.fromkeys(wanted.split()))
        if not set(scopes) <= set(has):
            raise InvalidRequestError(
                "The client has not all of these scopes; see its key.", param="scope", code="invalid_scope"
            )
        now = int(time.time())
        ends = now + self._lifetime
        if client.expires is not None:
            ends = min(ends, int(client.expires))
        told = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": client.id,
            "client_id": client.id,
            "iat": now,
            "exp": ends,
            "jti": secrets.token_urlsafe(ID_BYTES),
            "scope": " ".join(scopes),
            "tenant": client.tenant,
        }
        return Granted(self._keys.signer.sign(msgspec.json.encode(told)), ends - now, scopes)

    async def revoke(self, client: IssuedKey, text: str) -> None:
        """Let a token of ``client`` be good no more; what is no good token is none already (RFC 7009, section 2.2).

        Raises:
            InvalidRequestError: it was given to another client.
            UnavailableError: that cannot be kept now.
        """
        signer = self._keys.by_head(text.partition(".")[0]) if len(text) <= LONGEST else None
        if signer is None:
            return
        try:
            known = self._checked(text, signer, time.time())
        except InvalidTokenError:
            return
        if known.client != client.id:
            raise InvalidRequestError(
                "This token was given to another client.", param="token", code="unauthorized_client"
            )
        await self._revoked.add(known.id, known.ends)

    def verifier(self, others: Verify | None) -> Verify:
        """Knows the principal behind a token of this server, and asks ``others`` about all others."""

        async def verify(text: str) -> Principal:
            own = self._verified(text)
            if own is not None:
                return own
            try:
                return await ask(text)
            except AuthenticationError:
                if is_jwt(text) and take_apart(text).claims.get("iss") == self._issuer:
                    raise InvalidTokenError("it is signed by an unknown key") from None
                raise

        ask = others or _nobodys
        return verify

    def _verified(self, text: str) -> Principal | None:
        """Who the bearer of ``text`` is; ``None`` if it is not of this server."""
        if len(text) > LONGEST:
            return None
        digest, now = hashlib.sha256(text.encode()).digest(), time.time()
        known = self._known.get(digest)
        if known is None or not known.checked <= now < known.ends:
            # One of ours begins, to the letter, as its key's do: there is no other head to be tricked by.
            signer = self._keys.by_head(text.partition(".")[0])
            if signer is None:
                return None
            known = self._checked(text, signer, now)
            if len(self._known) >= REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[digest] = known
        return self._principal(known)

    def _checked(self, text: str, signer: Signer, now: float) -> _Known:
        check_signature(text, signer.algorithm, signer.key)
        found: Mapping[str, Any] = take_apart(text).claims
        ends = claims.check(found, self._own, now)
        scopes = frozenset(claims.names(found.get("scope")))
        return _Known(claims.name_in(found, "client_id"), scopes, ends, now, claims.name_in(found, "jti"))

    def _principal(self, known: _Known) -> Principal:
        if self._revoked.knows(known.id):
            raise InvalidTokenError("it was revoked")
        key = self._clients.by_id(known.client)
        if key is None:
            raise InvalidTokenError("its client has ended")
        scopes = known.scopes & set(_scopes(key))
        return msgspec.structs.replace(key.principal(), scopes=scopes, admin=ADMIN in scopes)


async def _nobodys(text: str) -> Principal:
    """Refuse a token that no issuer is asked about."""
    if is_jwt(text):
        take_apart(text)
        raise InvalidTokenError("it is from another issuer")
    raise AuthenticationError(UNKNOWN)


class InvalidClientError(AuthenticationError):
    """There is no such client, or its secret is another one."""

    default_code = "invalid_client"

    def __init__(self) -> None:
        super().__init__("There is no client with this id and secret.", challenge=BASIC)


def _scopes(key: IssuedKey) -> tuple[str, ...]:
    return tuple(each for each in SCOPES if each != ADMIN) if key.scopes is None else key.scopes
