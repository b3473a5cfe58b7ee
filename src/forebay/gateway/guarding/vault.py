"""What was masked in a request, and is put back into its reply: of this one request, and kept no longer.

A placeholder reads ``[EMAIL-1-K7Q2XM4B]``. Its last part is made of all texts of the request with a secret of the
process: nobody can guess it, another request has another one, and equal requests stay equal for a cache. It stands
nowhere in the request itself: what a user typed is never taken for a placeholder.
"""

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable
from typing import Final

from forebay.core.types import Principal

_KEY: Final = os.urandom(32)
_MARK_LENGTH: Final = 8
_NOT_IN_KINDS = re.compile(r"[^A-Z0-9]+")
_KIND_LENGTH: Final = 16

Write = Callable[[str], str]
"""How a value is written where it is put back."""


class Vault:
    """The placeholders of one request, whose texts, all of them together, are ``texts``."""

    def __init__(self, principal: Principal, texts: str) -> None:
        self._mark = _mark(principal.tenant, texts)
        self._values: dict[str, str] = {}
        self._placeholders: dict[tuple[str, str], str] = {}
        self._numbers: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._values)

    def placeholder(self, kind: str, value: str) -> str:
        """What stands for ``value``: the same for the same one."""
        kind = _NOT_IN_KINDS.sub("", kind.upper())[:_KIND_LENGTH] or "TEXT"
        known = self._placeholders.get((kind, value))
        if known is None:
            self._numbers[kind] = number = self._numbers.get(kind, 0) + 1
            known = f"[{kind}-{number}-{self._mark}]"
            self._placeholders[kind, value] = known
            self._values[known] = value
        return known

    def restoring(self, write: Write) -> "Restoring":
        """A filter that puts the values back, as ``write`` writes them."""
        return Restoring(self._values, write)


class Restoring:
    """Puts values in the place of their placeholders, in whatever case a model repeats them.

    Of a text in pieces it holds back what may be the beginning of a placeholder. One that is cut off at the text's end
    stays as it is: nobody knows which it would have become.
    """

    def __init__(self, values: dict[str, str], write: Write) -> None:
        self._values = values
        self._write = write
        self._pattern = re.compile("|".join(map(re.escape, values)), re.IGNORECASE)
        self._longest = max(map(len, values))
        self._held = ""

    async def feed(self, piece: str) -> str:
        """All that is certain."""
        text = self._restored(self._held + piece)
        at = text.rfind("[", max(0, len(text) - self._longest + 1))
        if at < 0 or not self._may_begin(text[at:]):
            self._held = ""
            return text
        self._held = text[at:]
        return text[:at]

    async def end(self, piece: str) -> str:
        """The rest."""
        text = self._restored(self._held + piece)
        self._held = ""
        return text

    def _restored(self, text: str) -> str:
        return self._pattern.sub(lambda found: self._write(self._values[found[0].upper()]), text)

    def _may_begin(self, tail: str) -> bool:
        tail = tail.upper()
        return any(each.startswith(tail) for each in self._values)


def plainly(value: str) -> str:
    """As it is."""
    return value


def in_json(value: str) -> str:
    """Within a string of JSON."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def from_json(raw: str) -> str:
    """What a piece of a string of JSON means; itself, if it is none."""
    try:
        value: str = json.loads(f'"{raw}"', strict=False)
    except ValueError:
        return raw
    return value


def _mark(tenant: str, texts: str) -> str:
    """The mark of a tenant's request, or the first of those after it that does not stand in ``texts``."""
    request = hashlib.sha256(texts.encode("utf-8", "surrogatepass")).hexdigest()
    shouted = texts.upper()
    number = 0
    while True:
        digest = hmac.new(_KEY, f"{number}\0{request}\0{tenant}".encode(), hashlib.sha256).digest()
        mark = base64.b32encode(digest).decode()[:_MARK_LENGTH]
        if mark not in shouted:
            return mark
        number += 1
