"""From what a provider says of somebody to their role."""

from collections.abc import Mapping
from typing import Any, Final

from forebay.core.errors import PermissionDeniedError
from forebay.core.sessions import Role
from forebay.settings.login import RoleSettings

MOST_VALUES: Final = 1000
_ROLES: Final[tuple[Role, ...]] = ("admin", "member", "viewer")


def role(name: str, claims: Mapping[str, Any], settings: RoleSettings) -> Role:
    """The highest role that ``settings`` give to ``name`` with these ``claims``.

    Raises:
        PermissionDeniedError: none.
    """
    values = frozenset(_values(claims, settings.claim)) if settings.claim else frozenset()
    for each in _ROLES:
        wanted: tuple[str, ...] = getattr(settings, each)
        if settings.people.get(name) == each or not values.isdisjoint(wanted):
            return each
    if settings.default == "none":
        raise PermissionDeniedError(
            "You are known, but have no role here; ask who runs this server for one.", code="no_role"
        )
    return settings.default


def has(claims: Mapping[str, Any], name: str) -> bool:
    """Whether ``claims`` have that one, which may be within others."""
    return not name or _at(claims, name) is not None


def _values(claims: Mapping[str, Any], name: str) -> list[str]:
    """Those of a list, or the only one: a text is not taken apart, for people may write some of theirs themselves."""
    found = _at(claims, name)
    listed = found if isinstance(found, list) else [found]
    return [each for each in listed[:MOST_VALUES] if isinstance(each, str)]


def _at(claims: Mapping[str, Any], name: str) -> object:
    """A claim by its whole name, which may be a URL with dots, or by the way to it."""
    if name in claims:
        return claims[name]
    found: object = claims
    for step in name.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found
