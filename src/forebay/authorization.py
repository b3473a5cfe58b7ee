"""From settings to the authorization server: its keys, its tokens and its addresses.

It needs ``forebay[oauth]``, so it is imported only where the configuration asks for it.
"""

from forebay.api.http import Endpoint
from forebay.api.oauth.endpoints import (
    JWKS_PATH,
    METADATA_PATH,
    Clients,
    Published,
    RevocationEndpoint,
    TokenEndpoint,
    metadata,
)
from forebay.api.oauth.errors import REVOKE_PATH, TOKEN_PATH
from forebay.auth.authorization_server.revoked import Revoked
from forebay.auth.authorization_server.signing import SigningKeys
from forebay.auth.authorization_server.tokens import TokenServer, Verify
from forebay.auth.issued import IssuedKeys
from forebay.core.attempts import Attempts
from forebay.core.store import Store
from forebay.settings import AuthorizationServerSettings, AuthSettings


class AuthorizationServer:
    """Gives tokens to whoever has one of ``clients``; ``secret`` encrypts its keys in ``store``.

    ``settings`` have a ``server``, and as ``resource`` the issuer's name. ``attempts`` are those at clients' secrets.
    """

    def __init__(
        self, settings: AuthSettings, store: Store, secret: bytes, clients: IssuedKeys, attempts: Attempts
    ) -> None:
        server = settings.server or AuthorizationServerSettings()
        self._issuer = settings.resource
        self._keys = SigningKeys(store.signing, secret, server)
        self._revoked = Revoked(store.revocations)
        self._tokens = TokenServer(self._issuer, server, self._keys, clients, self._revoked)
        self._clients = Clients(self._tokens, attempts)

    def verifier(self, others: Verify | None) -> Verify:
        """Knows the principal behind a token of this server, and asks ``others`` about all others."""
        return self._tokens.verifier(others)

    def endpoints(self) -> dict[str, dict[str, Endpoint]]:
        """Each path, and its methods."""
        described = metadata(self._issuer)
        return {
            TOKEN_PATH: {"POST": TokenEndpoint(self._tokens, self._clients, self._issuer)},
            REVOKE_PATH: {"POST": RevocationEndpoint(self._tokens, self._clients)},
            JWKS_PATH: {"GET": Published(self._keys.jwks)},
            METADATA_PATH: {"GET": Published(lambda: described)},
        }

    async def start(self) -> None:
        """Know the keys, and make the first one; know what was revoked."""
        await self._keys.start()
        await self._revoked.start()

    async def close(self) -> None:
        """End."""
        await self._revoked.close()
        await self._keys.close()
