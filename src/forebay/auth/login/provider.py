"""Sends browsers to an OpenID Connect provider and makes sessions of what it says when they come back.

Authorization code with PKCE (RFC 6749, 7636); the code is redeemed here, so no token ever is in a browser.
"""

import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from forebay.auth.login.errors import LoginError
from forebay.auth.login.flow import Flow
from forebay.auth.login.id_token import IdTokens
from forebay.auth.login.roles import has, role
from forebay.auth.oauth.claims import name_in, names
from forebay.auth.oauth.discovery import Discovery, Metadata
from forebay.auth.oauth.errors import InvalidTokenError
from forebay.auth.oauth.introspection import basic
from forebay.auth.oauth.jwks import KeySet
from forebay.core.errors import PermissionDeniedError, UnavailableError, UpstreamError
from forebay.core.sessions import Session
from forebay.settings.login import LoginProviderSettings

logger = logging.getLogger("forebay.auth")

Ask = Callable[[bytes, str, Mapping[str, str], bytes], Awaitable[tuple[int, bytes]]]
"""Status and body of the answer to a method, at a URL, with headers and a body. Raises `UnavailableError`."""

OK: Final = 200
LONGEST_LABEL: Final = 128
_ERROR_CODE: Final = re.compile(r"[a-z_]{1,64}")


class Tokens(msgspec.Struct, frozen=True):
    """What a code is worth (OpenID Connect Core, section 3.1.3.3)."""

    id_token: str
    access_token: str = ""


class Provider:
    """The provider of ``settings``. It sends browsers back to ``callback``, after a logout to ``home``.

    A session lasts ``lifetime`` seconds; ``origin`` is written into it.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # each of another kind
        self, settings: LoginProviderSettings, callback: str, home: str, ask: Ask, origin: str, lifetime: float
    ) -> None:
        self._settings = settings
        self._callback = callback
        self._home = home
        self._ask = ask
        self._origin = origin
        self._lifetime = lifetime
        self._discovery = Discovery(settings.issuer, self._get)
        self._keys = KeySet(self._discovery.jwks_uri, self._get)
        self._id_tokens = IdTokens(settings, self._keys)

    async def address(self, flow: Flow) -> str:
        """Where the browser logs in.

        Raises:
            UnavailableError: the provider does not say.
        """
        metadata = await self._discovery.metadata()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._callback,
            "scope": " ".join(self._settings.scopes),
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": flow.challenge,
            "code_challenge_method": "S256",
        }
        return _with_query(_needed(metadata.authorization_endpoint), asked)

    async def finish(self, flow: Flow, answer: Mapping[str, str]) -> Session:
        """The session of whoever the provider's ``answer`` to ``flow`` speaks of.

        Raises:
            LoginError: the answer is of another provider, or what comes of its code is not to be believed.
            PermissionDeniedError: the provider, or our configuration, does not let them in.
            UnavailableError: the provider is away.
        """
        metadata = await self._discovery.metadata()
        self._check_issuer(metadata, answer.get("iss"))
        if "error" in answer:
            code = answer["error"] if _ERROR_CODE.fullmatch(answer["error"]) else "unknown"
            raise PermissionDeniedError(f"The provider has refused the login ({code}).", code="login_refused")
        tokens = await self._redeemed(metadata, answer.get("code", ""), flow)
        claims = await self._id_tokens.claims(tokens.id_token, flow)
        return self._session({**await self._more(metadata, tokens, claims), **claims}, tokens.id_token)

    async def logout_address(self, session: Session) -> str | None:
        """Where the browser logs out at the provider (RP-Initiated Logout 1.0), if it can."""
        try:
            end = (await self._discovery.metadata()).end_session_endpoint
        except UnavailableError:
            return None
        asked = {
            "id_token_hint": session.id_token,
            "client_id": self._settings.client_id,
            "post_logout_redirect_uri": self._home,
        }
        return _with_query(end, asked) if end else None

    async def close(self) -> None:
        """Stop fetching."""
        await self._keys.close()
        await self._discovery.close()

    def _check_issuer(self, metadata: Metadata, issuer: str | None) -> None:
        """The answer is this provider's, and not another's in its place (RFC 9207)."""
        missing = issuer is None and metadata.authorization_response_iss_parameter_supported
        if missing or issuer not in {None, self._settings.issuer}:
            raise LoginError("invalid_issuer", "the answer is that of another provider")

    async def _redeemed(self, metadata: Metadata, code: str, flow: Flow) -> Tokens:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": flow.verifier,
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        secret = self._settings.client_secret
        if secret is not None and metadata.takes_basic:
            headers["authorization"] = basic(self._settings.client_id, secret.reveal())
        else:
            form["client_id"] = self._settings.client_id
            form |= {"client_secret": secret.reveal()} if secret is not None else {}
        status, body = await self._ask(b"POST", _needed(metadata.token_endpoint), headers, urlencode(form).encode())
        if status == OK:
            tokens: Tokens = _read(body, Tokens)
            return tokens
        self._refused(status, body)
        raise LoginError("invalid_code", "the provider does not take its code, which is good once and not for long")

    def _refused(self, status: int, body: bytes) -> None:
        """Tell whose fault it is that a code was refused: not always the code's."""
        try:
            told = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            told = None
        found = str(told.get("error")) if isinstance(told, dict) else ""
        code = found if _ERROR_CODE.fullmatch(found) else "unknown"
        if code != "invalid_grant":
            logger.error("the provider of logins refuses us: status %d, %s", status, code)
            raise UpstreamError("The provider of logins refuses this server; its log says why.")

    async def _more(self, metadata: Metadata, tokens: Tokens, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """What only the provider's userinfo says, where the ID token lacks something that we ask for."""
        wanted = (*_asked(self._settings), "name")
        if not metadata.userinfo_endpoint or not tokens.access_token or all(has(claims, each) for each in wanted):
            return {}
        headers = {"authorization": f"Bearer {tokens.access_token}", "accept": "application/json"}
        status, body = await self._ask(b"GET", metadata.userinfo_endpoint, headers, b"")
        found = _read(body, dict[str, Any]) if status == OK else {}
        # Only the same person's (OpenID Connect Core, section 5.3.2).
        return found if found.get("sub") == claims.get("sub") else {}

    def _session(self, claims: Mapping[str, Any], id_token: str) -> Session:
        settings, now = self._settings, time.time()
        wanted = settings.claims
        try:
            name = name_in(claims, wanted.name)
            tenant = name_in(claims, wanted.tenant) if wanted.tenant else settings.tenant
        except InvalidTokenError as error:
            raise LoginError("invalid_id_token", error.message) from None
        if wanted.name == "email" and claims.get("email_verified") is not True:
            raise LoginError("invalid_id_token", "its address is not verified")
        models = tuple(names(claims.get(wanted.models))) if wanted.models else None
        granted = role(name, claims, settings.roles)
        ends = now + self._lifetime
        label = _label(claims, name)
        return Session(self._origin, name, tenant, label, granted, now, now, ends, models, id_token)

    async def _get(self, url: str) -> bytes:
        status, body = await self._ask(b"GET", url, {"accept": "application/json"}, b"")
        if status != OK:
            raise UnavailableError(f"The provider of logins answered with status {status}.")
        return body


def _asked(settings: LoginProviderSettings) -> tuple[str, ...]:
    return (settings.claims.name, settings.claims.tenant, settings.claims.models, settings.roles.claim)


def _label(claims: Mapping[str, Any], name: str) -> str:
    found = (claims.get(each) for each in ("name", "preferred_username", "email"))
    return next((each for each in found if isinstance(each, str) and each.isprintable() and each), name)[:LONGEST_LABEL]


def _with_query(url: str, asked: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(asked)}"


def _needed(url: str) -> str:
    if not url:
        raise UnavailableError("The provider's metadata does not say where people log in.")
    return url


def _read(body: bytes, shape: Any) -> Any:  # noqa: ANN401  # of that type
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UpstreamError("The provider of logins gave an answer that cannot be read.") from None
