"""What a settings file may say about those who issue tokens: whom to believe, and what."""

import re
from typing import Annotated, Final, Literal

import msgspec

from forebay.settings.values import Duration, Secret

Name = Annotated[str, msgspec.Meta(min_length=1)]
Url = Annotated[str, msgspec.Meta(pattern=r"^(https://[^\s/]|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?/)")]
"""HTTPS, but for this machine's own address: whoever could change what comes from there could make tokens."""

_SAFE_URL: Final = re.compile(r"https://[^\s/?#]+[^\s]*|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s]*)?")

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256"]


def is_safe(url: str) -> bool:
    """Whether nobody between us and ``url`` can change what comes from there: HTTPS, or this machine's own address."""
    return _SAFE_URL.fullmatch(url) is not None


class ClaimSettings(msgspec.Struct, frozen=True):
    """Which claims say who asks, of which tenant, for which models; no name: everybody is of one tenant, may use all.

    A token without a claim that is named here is refused. Only that of ``limits``, an object such as ``{"rpm": 60}``,
    may be left out.
    """

    name: Name = "sub"
    tenant: str = ""
    models: str = ""
    limits: str = ""


class IntrospectionSettings(msgspec.Struct, frozen=True):
    """Where opaque tokens are asked about (RFC 7662), and by whom."""

    url: Url
    client_id: Name
    client_secret: Secret


class IssuerSettings(msgspec.Struct, frozen=True):
    """An issuer of tokens: ``issuer`` is its name as it stands in ``iss``, letter by letter.

    Its keys come from ``jwks_uri``, or from where its metadata says; a ``secret`` is for HS256 only. ``types`` are what
    a token's header may call it, ``lifetime`` is the longest that is believed. ``scope_prefix`` is taken off its scopes
    (``forebay:chat``), others are left out where there is one; ``admin_scope`` is the one that makes an admin.
    """

    issuer: Name
    audience: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    algorithms: Annotated[tuple[Algorithm, ...], msgspec.Meta(min_length=1)] = ("RS256",)
    jwks_uri: Url | None = None
    secret: Annotated[Secret, msgspec.Meta(min_length=32)] | None = None
    introspection: IntrospectionSettings | None = None
    types: tuple[Name, ...] = ("JWT", "at+jwt")
    lifetime: Duration = 86400.0
    claims: ClaimSettings = ClaimSettings()
    tenant: Name = "default"
    scope_prefix: str = ""
    admin_scope: str = ""

    @property
    def has_keys(self) -> bool:
        """Whether it publishes keys: at ``jwks_uri``, or where an issuer with an address says by itself."""
        return self.jwks_uri is not None or (self.algorithms != ("HS256",) and is_safe(self.issuer))
