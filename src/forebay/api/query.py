"""Reads the parameters of a query: moments, cursors, numbers; what cannot be meant is refused by its name."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar
from urllib.parse import parse_qsl

from forebay.core.errors import InvalidRequestError
from forebay.core.requestlog import STATUSES
from forebay.core.types import Principal

T = TypeVar("T")

PARAMETERS: Final = 20


class Row(Protocol):
    """What a page can end with: its moment, in seconds since the epoch, and its id."""

    @property
    def at(self) -> float:
        """When it was."""
        ...

    @property
    def id(self) -> str:
        """What it is called."""
        ...


def known(text: bytes, names: Sequence[str]) -> Mapping[str, str]:
    """The parameters in ``text``, all of which are of ``names``.

    Raises:
        InvalidRequestError: they cannot be read, or one is not.
    """
    try:
        given = dict(parse_qsl(text.decode(), keep_blank_values=True, max_num_fields=PARAMETERS, errors="strict"))
    except ValueError:  # too many fields, or no UTF-8
        raise InvalidRequestError(f"The query cannot be read; known parameters are: {', '.join(names)}.") from None
    for name in given:
        if name not in names:
            raise InvalidRequestError(f"Unknown parameter; known are: {', '.join(names)}.", param=name[:64])
    return given


def read(given: Mapping[str, str], name: str, reader: Callable[[str], T]) -> T | None:
    """What ``reader`` makes of the parameter ``name``; ``None`` without one.

    Raises:
        InvalidRequestError: nothing.
    """
    if name not in given:
        return None
    try:
        return reader(given[name])
    except (ValueError, OverflowError):
        raise InvalidRequestError(
            f"'{name}' cannot be read: a moment is seconds since 1970 or like 2026-11-23T12:00:00Z, "
            "a place in a list the 'last' of the page before.",
            param=name,
        ) from None


def moment(given: Mapping[str, str], name: str, default: float) -> float:
    """A moment in seconds since the epoch.

    Raises:
        InvalidRequestError: it is none.
    """
    found = read(given, name, seconds)
    return default if found is None else found


def seconds(text: str) -> float:
    """Seconds since the epoch, written as such or by ISO 8601 (UTC, unless it says otherwise).

    Raises:
        ValueError: it is neither.
    """
    try:
        found = float(text)
    except ValueError:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(found):
        raise ValueError
    return found


def cursor(text: str) -> tuple[float, str]:
    """The moment and id of the last row of a page.

    Raises:
        ValueError: it is none.
    """
    at, colon, identity = text.partition(":")
    if not colon:
        raise ValueError
    return seconds(at), identity


def number(given: Mapping[str, str], name: str, default: int, largest: int) -> int:
    """A number from 1 to ``largest``.

    Raises:
        InvalidRequestError: it is none.
    """
    text = given.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= largest:
        raise InvalidRequestError(f"'{name}' is a number from 1 to {largest}.", param=name)
    return int(text)


def statuses(text: str | None) -> tuple[int, int]:
    """From which status to before which: ``429``, or ``4xx`` for all of that hundred.

    Raises:
        InvalidRequestError: it is neither.
    """
    if text is None:
        return STATUSES
    low = text.replace("xx", "00") if text.endswith("xx") else text
    if len(text) != 3 or not (low.isascii() and low.isdigit()):  # noqa: PLR2004  # digits of a status
        raise InvalidRequestError("'status' is a status such as 429, or all of a hundred: 4xx.", param="status")
    return int(low), int(low) + (100 if low != text else 1)


def tenant(given: Mapping[str, str], principal: Principal, what: str) -> str | None:
    """Whose ``what`` is meant: an admin's choice (``None``: everybody's), else the principal's own.

    Raises:
        InvalidRequestError: another tenant's.
    """
    wanted = given.get("tenant")
    if principal.admin:
        return wanted
    if wanted not in {None, principal.tenant}:
        raise InvalidRequestError(f"Only an admin sees other tenants' {what}; leave it out.", param="tenant")
    return principal.tenant


def page_of(found: Sequence[Row], limit: int, data: Sequence[object]) -> dict[str, object]:
    """A page: ``data`` tells the first ``limit`` of ``found``, and one more there says that it is not the last."""
    shown = found[:limit]
    return {
        "object": "list",
        "data": data,
        "has_more": len(found) > limit,
        "last": f"{shown[-1].at!r}:{shown[-1].id}" if shown else None,
    }
