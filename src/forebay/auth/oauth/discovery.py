"""Finds out where an issuer has its addresses, by the document that it publishes about itself."""

from typing import Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

from forebay.auth.oauth.fetched import Fetch, Fetched
from forebay.core.errors import ForebayError, UnavailableError
from forebay.settings.issuers import is_safe

OPENID: Final = "/.well-known/openid-configuration"
OAUTH: Final = "/.well-known/oauth-authorization-server"
BASIC: Final = "client_secret_basic"


class Metadata(msgspec.Struct, frozen=True):
    """What we need of OpenID Connect Discovery 1.0 (section 3), RFC 8414 and RFC 9207."""

    issuer: str
    jwks_uri: str = ""
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False
    token_endpoint_auth_methods_supported: tuple[str, ...] = (BASIC,)

    @property
    def takes_basic(self) -> bool:
        """Whether a client may authenticate in the header ``Authorization``."""
        return BASIC in self.token_endpoint_auth_methods_supported


class Discovery:
    """The metadata of ``issuer``: what OpenID Connect asks for first, then what RFC 8414 does."""

    def __init__(self, issuer: str, fetch: Fetch) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._document = Fetched("an issuer's metadata", self._load)

    async def metadata(self) -> Metadata:
        """What the issuer says of itself.

        Raises:
            UnavailableError: nothing that can be used.
        """
        found = await self._document.value()
        if found is None:
            raise UnavailableError("The issuer's metadata cannot be had now; try again later.")
        return found

    async def jwks_uri(self) -> str:
        """Where the issuer's keys are.

        Raises:
            UnavailableError: it does not say.
        """
        found = (await self.metadata()).jwks_uri
        if not found:
            raise UnavailableError("The issuer's metadata names no 'jwks_uri'.")
        return found

    async def close(self) -> None:
        """Stop fetching."""
        await self._document.close()

    async def _load(self) -> Metadata:
        first, second = addresses(self._issuer)
        try:
            return read(await self._fetch(first), self._issuer)
        except (ForebayError, ValueError):
            return read(await self._fetch(second), self._issuer)


def addresses(issuer: str) -> tuple[str, str]:
    """Where the metadata of ``issuer`` may be: below its own path (OpenID Connect), or before it (RFC 8414)."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    openid = urlunsplit((parts.scheme, parts.netloc, path + OPENID, "", ""))
    return openid, urlunsplit((parts.scheme, parts.netloc, OAUTH + path, "", ""))


def read(body: bytes, issuer: str) -> Metadata:
    """The metadata in ``body``.

    Raises:
        ValueError: it is none, of another issuer (RFC 8414, section 3.3), or names an address that is not safe.
    """
    try:
        found = msgspec.json.decode(body, type=Metadata)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ValueError("the document is no metadata") from None
    if found.issuer != issuer:
        raise ValueError("the metadata is that of another issuer")
    for name in ("jwks_uri", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "end_session_endpoint"):
        if (url := getattr(found, name)) and not is_safe(url):
            raise ValueError(f"its '{name}' is no HTTPS address")
    return found
