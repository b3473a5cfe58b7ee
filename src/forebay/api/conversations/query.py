"""The parameters of lists, each within its bounds, and the lists themselves in OpenAI's form."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from forebay.api.http import Scope
from forebay.core.errors import InvalidRequestError

PARAMETERS: Final = 40
DEFAULT_LIMIT: Final = 20
INCLUDE: Final = frozenset({"include", "include[]"})


class Query:
    """The parameters of one request, of which only those in ``known`` may be there; ``include`` always may."""

    def __init__(self, scope: Scope, known: Sequence[str]) -> None:
        try:
            text = scope["query_string"].decode()
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=PARAMETERS, errors="strict")
        except ValueError:  # too many fields, or no UTF-8
            raise InvalidRequestError("The query cannot be read; see docs/conversations.md.") from None
        self.include = frozenset(value for name, value in pairs if name in INCLUDE)
        self._given: Mapping[str, str] = {name: value for name, value in pairs if name not in INCLUDE}
        for name in self._given:
            if name not in known:
                raise InvalidRequestError(f"Unknown parameter; known are: {', '.join(known)}.", param=name[:64])

    def text(self, name: str, longest: int = 200) -> str:
        """A text; empty if it is not there.

        Raises:
            InvalidRequestError: it is too long.
        """
        value = self._given.get(name, "")
        if len(value) > longest:
            raise InvalidRequestError(f"'{name}' has at most {longest} characters.", param=name)
        return value

    def limit(self, most: int) -> int:
        """How many there may be on a page.

        Raises:
            InvalidRequestError: it is no number, or none from 1 to ``most``.
        """
        text = self._given.get("limit", str(DEFAULT_LIMIT))
        if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= most:
            raise InvalidRequestError(f"'limit' is a number from 1 to {most}.", param="limit")
        return int(text)

    def choice(self, name: str, *choices: str) -> str:
        """One of ``choices``, by default the first.

        Raises:
            InvalidRequestError: it is another.
        """
        value = self._given.get(name, choices[0])
        if value not in choices:
            raise InvalidRequestError(f"'{name}' is one of: {', '.join(choices)}.", param=name)
        return value

    def moment(self, name: str, default: float) -> float:
        """A moment, in seconds since 1970.

        Raises:
            InvalidRequestError: it is none.
        """
        text = self._given.get(name)
        if text is None:
            return default
        try:
            seconds = _seconds(text)
        except (ValueError, OverflowError):
            seconds = math.nan
        if not math.isfinite(seconds):
            raise InvalidRequestError(
                f"'{name}' is a moment: seconds since 1970, or like 2026-11-23T12:00:00Z.", param=name
            )
        return seconds


def listed(shown: Sequence[Mapping[str, Any]], more: bool) -> dict[str, Any]:  # noqa: FBT001  # a field of it
    """A page."""
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else "",
        "last_id": shown[-1]["id"] if shown else "",
        "has_more": more,
    }


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
