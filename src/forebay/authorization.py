"""From settings to the authorization server: its keys, its tokens and its addresses.

It needs ``forebay[oauth]``, so it is imported only where the configuration asks for it.
"""

from forebay.api.http import Endpoint
from forebay.api.oauth.endpoints import JWKS_PATH, METADATA_PATH, Published, TokenEndpoint, metadata
from forebay.api.oauth.errors import TOKEN_PATH
from forebay.auth.authorization_server.signing import SigningKeys
from forebay.auth.authorization_server.tokens import TokenServer, Verify
from forebay.auth.issued import IssuedKeys
from forebay.core.attempts import Attempts
from forebay.core.signing import SigningBook
from forebay.settings import AuthorizationServerSettings, AuthSettings


class AuthorizationServer:
    """Gives tokens to whoever has one of ``clients``; ``secret`` encrypts its keys in ``book``.

    ``settings`` have a ``server``, and as ``resource`` the issuer's name. ``attempts`` are those at clients' secrets.
    """

    def __init__(
        self, settings: AuthSettings, book: SigningBook, secret: bytes, clients: IssuedKeys, attempts: Attempts
    ) -> None:
        server = settings.server or AuthorizationServerSettings()
        self._issuer = settings.resource
        self._keys = SigningKeys(book, secret, server)
        self._tokens = TokenServer(self._issuer, server, self._keys, clients)
        self._attempts = attempts

    def verifier(self, others: Verify | None) -> Verify:
        """Knows the principal behind a token of this server, and asks ``others`` about all others."""
        return self._tokens.verifier(others)

    def endpoints(self) -> dict[str, dict[str, Endpoint]]:
        """Each path, and its methods."""
        described = metadata(self._issuer)
        return {
            TOKEN_PATH: {"POST": TokenEndpoint(self._tokens, self._attempts, self._issuer)},
            JWKS_PATH: {"GET": Published(self._keys.jwks)},
            METADATA_PATH: {"GET": Published(lambda: described)},
        }

    async def start(self) -> None:
        """Know the keys, and make the first one."""
        await self._keys.start()

    async def close(self) -> None:
        """End."""
        await self._keys.close()
