"""Checks the ID token by which a provider says who has logged in (OpenID Connect Core 1.0, section 3.1.3.7)."""

import hmac
import time
from collections.abc import Mapping
from typing import Any

from forebay.auth.login.errors import LoginError
from forebay.auth.login.flow import Flow
from forebay.auth.oauth.claims import LEEWAY, audience, moment
from forebay.auth.oauth.errors import InvalidTokenError
from forebay.auth.oauth.jwks import KeySet
from forebay.auth.oauth.signature import check_signature
from forebay.auth.oauth.token import take_apart
from forebay.settings.login import LoginProviderSettings


class IdTokens:
    """Verifies ID tokens of the provider that ``settings`` name, whose keys are ``keys``."""

    def __init__(self, settings: LoginProviderSettings, keys: KeySet) -> None:
        self._settings = settings
        self._keys = keys

    async def claims(self, text: str, flow: Flow) -> Mapping[str, Any]:
        """What ``text`` says, if it was made for ``flow``.

        Raises:
            LoginError: it was not, or not by this provider, or not for us, or not now.
            UnavailableError: the provider's keys cannot be had now.
        """
        try:
            return await self._verified(text, flow)
        except InvalidTokenError as error:
            reason = error.message.partition(": ")[2].rstrip(".")
            raise LoginError("invalid_id_token", f"of the ID token, {reason}") from None

    async def _verified(self, text: str, flow: Flow) -> Mapping[str, Any]:
        parts = take_apart(text)
        if parts.algorithm not in self._settings.algorithms:
            raise InvalidTokenError("it is signed by an algorithm that is not allowed")
        key = await self._keys.key(parts.kid, parts.algorithm)
        if key is None:
            raise InvalidTokenError("it is signed by an unknown key")
        check_signature(text, parts.algorithm, key)
        self._check(parts.claims, flow)
        return parts.claims

    def _check(self, claims: Mapping[str, Any], flow: Flow) -> None:
        ours, now = self._settings.client_id, time.time()
        whom = audience(claims.get("aud"))
        if claims.get("iss") != self._settings.issuer:
            raise InvalidTokenError("it is from another issuer")
        if ours not in whom or claims.get("azp", ours) != ours or (len(whom) > 1 and "azp" not in claims):
            raise InvalidTokenError("it is for another client")
        ends, begins = moment(claims, "exp"), moment(claims, "iat")
        if ends is None or ends <= now - LEEWAY:
            raise InvalidTokenError("it has expired")
        if begins is None or begins > now + LEEWAY or (moment(claims, "nbf") or 0) > now + LEEWAY:
            raise InvalidTokenError("it is not valid yet")
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), flow.nonce.encode()):
            raise InvalidTokenError("its 'nonce' is that of another login")
