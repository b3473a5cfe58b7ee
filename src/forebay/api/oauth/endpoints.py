"""``/oauth/token``, ``/oauth/revoke``, and what clients and verifiers read about them: metadata (RFC 8414), keys."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

import msgspec

from forebay.api.http import JSON, Receive, Scope, Send, header, send_body
from forebay.api.oauth.errors import NO_STORE, REVOKE_PATH, TOKEN_PATH
from forebay.auth.authorization_server.tokens import InvalidClientError, TokenServer
from forebay.core.attempts import Attempts
from forebay.core.errors import InvalidRequestError, UnsupportedMediaTypeError
from forebay.core.keys import IssuedKey
from forebay.core.scopes import SCOPES

JWKS_PATH: Final = "/oauth/jwks"
METADATA_PATH: Final = "/.well-known/oauth-authorization-server"
GRANT: Final = "client_credentials"
METHODS: Final = ("client_secret_basic", "client_secret_post")
FORM: Final = "application/x-www-form-urlencoded"
LONGEST: Final = 16 * 1024
MOST_FIELDS: Final = 20
KEYS_SECONDS: Final = 60


class Clients:
    """Whoever has an issued key; wrong secrets are counted.

    They are 32 random bytes, so a right one is taken however many wrong ones came from its address before it.
    """

    def __init__(self, server: TokenServer, attempts: Attempts) -> None:
        self._server = server
        self._attempts = attempts

    async def client(self, scope: Scope, form: Mapping[str, str]) -> IssuedKey:
        """Who asks.

        Raises:
            AuthenticationError: nobody who is known.
            RateLimitError: nor were many before them.
            UnavailableError: nobody knows yet.
        """
        address = scope["client"][0] if scope.get("client") else ""
        identity, secret = _credentials(header(scope, b"authorization"), form)
        try:
            return await self._server.client(identity, secret)
        except InvalidClientError:
            if secret:
                await self._attempts.begin(address)
            raise


class TokenEndpoint:
    """The token endpoint (RFC 6749, section 4.4); ``issuer`` is the only resource that its tokens are for."""

    def __init__(self, server: TokenServer, clients: Clients, issuer: str) -> None:
        self._server = server
        self._clients = clients
        self._issuer = issuer

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Give a token."""
        form = _form(header(scope, b"content-type"), (await receive())["body"])
        client = await self._clients.client(scope, form)
        if form.get("grant_type") != GRANT:
            code = "unsupported_grant_type" if "grant_type" in form else "invalid_request"
            raise InvalidRequestError(f"'grant_type' must be {GRANT}.", param="grant_type", code=code)
        for name in ("resource", "audience"):
            if form.get(name, self._issuer).rstrip("/") != self._issuer:
                raise InvalidRequestError("Tokens are for this server only.", param=name, code="invalid_target")
        granted = self._server.grant(client, form.get("scope"))
        body = {
            "access_token": granted.token,
            "token_type": "Bearer",
            "expires_in": granted.seconds,
            "scope": " ".join(granted.scopes),
        }
        headers = [JSON, *NO_STORE, (b"x-request-id", request_id.encode())]
        await send_body(send, 200, headers, msgspec.json.encode(body))


class RevocationEndpoint:
    """The revocation endpoint (RFC 7009). There is one kind of token, so a ``token_type_hint`` says nothing new."""

    def __init__(self, server: TokenServer, clients: Clients) -> None:
        self._server = server
        self._clients = clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Let a token be good no more."""
        form = _form(header(scope, b"content-type"), (await receive())["body"])
        client = await self._clients.client(scope, form)
        token = form.get("token")
        if not token:
            raise InvalidRequestError("'token' is missing.", param="token")
        await self._server.revoke(client, token)
        await send_body(send, 200, [*NO_STORE, (b"x-request-id", request_id.encode())], b"")


class Published:
    """A document that anybody may read and keep for a minute."""

    def __init__(self, body: Callable[[], bytes]) -> None:
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Tell it."""
        await send_body(send, 200, [JSON, (b"cache-control", b"public, max-age=%d" % KEYS_SECONDS)], self._body())


def metadata(issuer: str) -> bytes:
    """What clients of ``issuer`` need to know (RFC 8414, section 2)."""
    return msgspec.json.encode(
        {
            "issuer": issuer,
            "token_endpoint": issuer + TOKEN_PATH,
            "jwks_uri": issuer + JWKS_PATH,
            "scopes_supported": list(SCOPES),
            "response_types_supported": [],
            "grant_types_supported": [GRANT],
            "token_endpoint_auth_methods_supported": METHODS,
            "revocation_endpoint": issuer + REVOKE_PATH,
            "revocation_endpoint_auth_methods_supported": METHODS,
        }
    )


def _form(content_type: str | None, body: bytes) -> dict[str, str]:
    """The fields, none of which may be there twice (RFC 6749, section 3.2)."""
    if (content_type or "").partition(";")[0].strip().lower() != FORM:
        raise UnsupportedMediaTypeError(f"Send a form, with 'content-type: {FORM}'.")
    try:
        text = body.decode("ascii") if len(body) <= LONGEST else None
        pairs = None if text is None else parse_qsl(text, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        pairs = None
    if pairs is None or len(dict(pairs)) < len(pairs):
        raise InvalidRequestError("The form cannot be read, or has a field twice.")
    return dict(pairs)


def _credentials(authorization: str | None, form: Mapping[str, str]) -> tuple[str, str]:
    """The client's id and secret, by one of the two ways (RFC 6749, section 2.3.1), and not by both."""
    if authorization is None:
        return form.get("client_id", ""), form.get("client_secret", "")
    if "client_secret" in form:
        raise InvalidRequestError("Authenticate either in the header or in the form.")
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClientError
    try:
        decoded = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise InvalidClientError from None
    identity, _, secret = decoded.partition(":")
    if form.get("client_id", unquote_plus(identity)) != unquote_plus(identity):
        raise InvalidRequestError("The header and the form name different clients.")
    return unquote_plus(identity), unquote_plus(secret)
