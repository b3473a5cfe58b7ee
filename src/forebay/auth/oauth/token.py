"""Takes a token apart before anything is believed: its head, its claims, and whose it says it is."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from forebay.auth.oauth.errors import InvalidTokenError

LONGEST: Final = 8192
LONGEST_KID: Final = 256
PARTS: Final = 3

FORBIDDEN: Final = ("jwk", "jku", "x5u", "x5c", "crit", "b64", "zip")
"""Parameters by which a token would bring its own key along, say where to fetch one, or change how it is read."""


class Parts(msgspec.Struct, frozen=True):
    """What a token says of itself; nothing of it has been verified."""

    algorithm: str
    type: str
    kid: str | None
    claims: Mapping[str, Any]


def is_jwt(text: str) -> bool:
    """Whether ``text`` looks like a signed token, as opposed to an opaque one."""
    return text.count(".") == PARTS - 1 and text.startswith("ey")


def take_apart(text: str) -> Parts:
    """The head and claims of ``text``.

    Raises:
        InvalidTokenError: it is too long, no token, or has something in its head that no honest issuer needs.
    """
    if len(text) > LONGEST:
        raise InvalidTokenError("it is too long")
    parts = text.split(".")
    if len(parts) != PARTS:
        raise InvalidTokenError("it is not a signed token")
    head, claims = _decoded(parts[0]), _decoded(parts[1])
    for name in FORBIDDEN:
        if name in head:
            raise InvalidTokenError(f"its header has '{name}'")
    kid, kind = head.get("kid"), head.get("typ", "JWT")
    if kid is not None and (not isinstance(kid, str) or len(kid) > LONGEST_KID):
        raise InvalidTokenError("its header has a bad 'kid'")
    if not isinstance(kind, str) or not isinstance(head.get("alg"), str):
        raise InvalidTokenError("its header has a bad 'typ' or 'alg'")
    if str(head.get("cty", "")).lower() == "jwt":
        raise InvalidTokenError("it is a token within a token")
    return Parts(head["alg"], kind.lower().removeprefix("application/"), kid, claims)


def _decoded(part: str) -> dict[str, Any]:
    try:
        data = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        decoded = msgspec.json.decode(data)
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        raise InvalidTokenError("it cannot be read") from None
    if not isinstance(decoded, dict):
        raise InvalidTokenError("it cannot be read")
    return decoded
