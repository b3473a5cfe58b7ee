"""What a settings file may say about people who log in with a browser, and about tokens of the server's own."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

from forebay.core.sessions import Role
from forebay.settings.issuers import ClaimSettings
from forebay.settings.values import Duration, Secret

Name = Annotated[str, msgspec.Meta(min_length=1)]
SafeUrl = Annotated[str, msgspec.Meta(pattern=r"^(https://[^\s/]|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/|$))")]
SignedBy = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]


GENERATE: Final = "generate"


class RoleSettings(msgspec.Struct, frozen=True):
    """Which role somebody has: the highest that ``people`` (by their name) or the values of ``claim`` give them.

    ``claim`` may lead into an object: ``realm_access.roles``. Who has none of these has the ``default``; ``none`` keeps
    them out.
    """

    claim: str = ""
    admin: tuple[Name, ...] = ()
    member: tuple[Name, ...] = ()
    viewer: tuple[Name, ...] = ()
    people: Mapping[Name, Role] = {}
    default: Literal["admin", "member", "viewer", "none"] = "none"


class LoginProviderSettings(msgspec.Struct, frozen=True):
    """The OpenID Connect provider at which people log in; without a ``client_secret`` we are a public client.

    ``title`` is what a page calls it. ``claims`` and ``tenant`` are as those of an issuer of tokens.
    """

    issuer: SafeUrl
    client_id: Name
    client_secret: Secret | None = None
    title: str = ""
    scopes: tuple[Name, ...] = ("openid", "profile", "email")
    algorithms: Annotated[tuple[SignedBy, ...], msgspec.Meta(min_length=1)] = ("RS256",)
    claims: ClaimSettings = ClaimSettings()
    tenant: Name = "default"
    roles: RoleSettings = RoleSettings()


class LoginSettings(msgspec.Struct, frozen=True):
    """How people log in, and how long they stay so: ``idle`` without a request, ``lifetime`` in all.

    ``password`` is the hash of an admin's password that ``forebay password`` makes, or `GENERATE`: then the server
    makes one when it first starts, and shows it once.
    """

    provider: LoginProviderSettings | None = None
    password: Annotated[Secret, msgspec.Meta(pattern=r"^(\$argon2id\$|generate$)")] | None = None
    idle: Annotated[Duration, msgspec.Meta(gt=0)] = 3600.0
    lifetime: Annotated[Duration, msgspec.Meta(gt=0)] = 12 * 3600.0


class AuthorizationServerSettings(msgspec.Struct, frozen=True):
    """Tokens of our own for whoever holds an issued key: valid for ``lifetime``, by keys that change every so often."""

    algorithm: Literal["RS256", "ES256"] = "RS256"
    lifetime: Annotated[Duration, msgspec.Meta(ge=10, le=3600)] = 600.0
    rotate_every: Annotated[Duration, msgspec.Meta(ge=3600)] = 30 * 86400.0
