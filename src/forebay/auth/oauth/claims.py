"""What a token's claims must say to be believed, and who it is that they speak of."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import msgspec

from forebay.auth.oauth.errors import InvalidTokenError
from forebay.core.money import MOST_DOLLARS, PICO
from forebay.core.scopes import ADMIN
from forebay.core.types import Limits, Principal
from forebay.settings import IssuerSettings

Claims = Mapping[str, Any]

LEEWAY: Final = 30.0
FARTHEST: Final = 1e11
"""Later than any moment that is meant, in seconds since the epoch: larger numbers are a trick."""

LONGEST_NAME: Final = 256
MOST_NAMES: Final = 1000

ID_TOKEN_CLAIMS: Final = ("nonce", "at_hash", "c_hash", "s_hash")
"""What only a token has that tells a client who has logged in (OpenID Connect Core, section 2): it gives no access."""


_Count = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
_Dollars = Annotated[float, msgspec.Meta(ge=0, le=MOST_DOLLARS)]


class _Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The claim that says how much its bearer may ask for; budgets are in dollars."""

    rpm: _Count | None = None
    tpm: _Count | None = None
    parallel: _Count | None = None
    budget_day: _Dollars | None = None
    budget_month: _Dollars | None = None


def check(claims: Claims, issuer: IssuerSettings, now: float) -> float:
    """When the token with these ``claims`` ends, in seconds since the epoch.

    Raises:
        InvalidTokenError: it is not from ``issuer``, not for us, not valid now or for too long, or of another kind.
    """
    if claims.get("iss") != issuer.issuer:
        raise InvalidTokenError("it is from another issuer")
    if not audience(claims.get("aud")) & set(issuer.audience):
        raise InvalidTokenError("it is for another audience")
    if any(name in claims for name in ID_TOKEN_CLAIMS) or claims.get("token_use") == "id" or claims.get("typ") == "ID":
        raise InvalidTokenError("it is an ID token, not an access token")
    ends = moment(claims, "exp")
    if ends is None:
        raise InvalidTokenError("it has no 'exp'")
    if ends <= now - LEEWAY:
        raise InvalidTokenError("it has expired")
    for name in ("nbf", "iat"):
        if (moment(claims, name) or 0) > now + LEEWAY:
            raise InvalidTokenError("it is not valid yet")
    begins = moment(claims, "iat")
    if ends - (now if begins is None else min(begins, now)) > issuer.lifetime + LEEWAY:
        raise InvalidTokenError("it is valid for too long")
    return ends


def principal(claims: Claims, issuer: IssuerSettings) -> Principal:
    """Who the bearer of ``claims`` is.

    Raises:
        InvalidTokenError: a claim that says so is missing, or is no name.
    """
    wanted = issuer.claims
    scopes = frozenset(_scopes(claims))
    prefix = issuer.scope_prefix
    own = {scope.removeprefix(prefix) for scope in scopes if scope.startswith(prefix)} - {ADMIN}
    admin = bool(issuer.admin_scope) and issuer.admin_scope in scopes
    return Principal(
        name_in(claims, wanted.name),
        name_in(claims, wanted.tenant) if wanted.tenant else issuer.tenant,
        frozenset(names(_needed(claims, wanted.models))) if wanted.models else None,
        admin,
        scopes=frozenset(own | {ADMIN} if admin else own),
        limits=_limits(claims.get(wanted.limits)) if wanted.limits else None,
    )


def audience(value: object) -> set[str]:
    """Whom a token is for: one, or a list."""
    if isinstance(value, str):
        return {value}
    return {each for each in value if isinstance(each, str)} if isinstance(value, list) else set()


def moment(claims: Claims, name: str) -> float | None:
    """The moment in the claim ``name``, in seconds since the epoch, if it is there.

    Raises:
        InvalidTokenError: it is none.
    """
    value = claims.get(name)
    if value is None:
        return None
    # Compared before it is anything else: 10**400 is no float.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= FARTHEST:
        raise InvalidTokenError(f"its '{name}' is no moment")
    return float(value)


def _scopes(claims: Claims) -> Iterator[str]:
    """OAuth's, Entra's, Auth0's and Keycloak's, each under its own name."""
    for name in ("scope", "scp", "permissions"):
        yield from names(claims.get(name))
    realm = claims.get("realm_access")
    if isinstance(realm, dict):
        yield from names(realm.get("roles"))


def names(value: object) -> list[str]:
    """The names in a list, or in a text with spaces in between."""
    found = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    return [name for name in found[:MOST_NAMES] if isinstance(name, str)]


def _needed(claims: Claims, name: str) -> object:
    if name not in claims:
        raise InvalidTokenError(f"it has no '{name}', which says who asks or for what")
    return claims[name]


def _limits(value: object) -> Limits | None:
    if value is None:
        return None
    try:
        told = msgspec.convert(value, _Limits)
    except msgspec.ValidationError:
        raise InvalidTokenError("its claim about limits is none") from None
    return Limits(told.rpm, told.tpm, told.parallel, _money(told.budget_day), _money(told.budget_month))


def _money(amount: float | None) -> int | None:
    return None if amount is None else round(amount * PICO)


def name_in(claims: Claims, name: str) -> str:
    """The claim ``name``, which is to be a name.

    Raises:
        InvalidTokenError: it is missing, or none.
    """
    value = _needed(claims, name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME or not value.isprintable():
        raise InvalidTokenError(f"its '{name}' is no name")
    return value
