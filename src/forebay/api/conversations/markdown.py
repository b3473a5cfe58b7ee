"""A conversation as people read it, and as it is read again: hidden comments say who speaks.

    # Title

    <!-- forebay:user -->
    ## User

    What was said.

A line of a text that looks like such a comment has a backslash before it, and one more where it had some.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from forebay.core.errors import InvalidRequestError

ROLES: Final = ("user", "assistant", "system", "developer")
TITLE: Final = 256

_MARK: Final = re.compile(r"^<!-- forebay:(\w+) -->$")
_LIKE: Final = re.compile(r"^(\\*<!-- forebay:)", re.MULTILINE)
_ESCAPED: Final = re.compile(r"^\\(\\*<!-- forebay:)", re.MULTILINE)


class Said(Struct, frozen=True):
    """What one of `ROLES` said."""

    role: str
    text: str


def write(title: str, said: Iterable[Said]) -> str:
    """The file."""
    parts = [f"# {' '.join(title.split())}\n"] if title.strip() else []
    for each in said:
        text = _LIKE.sub(r"\\\1", each.text)
        parts.append(f"<!-- forebay:{each.role} -->\n## {each.role.capitalize()}\n\n{text}\n")
    return "\n".join(parts)


def read(body: bytes) -> tuple[str, Sequence[Said]]:
    """The title, and what was said.

    Raises:
        InvalidRequestError: nobody speaks in it, or somebody that nobody knows; or it is no UTF-8.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"The file is not valid UTF-8 (byte {error.start}).") from None
    head, *parts = _parts(text)
    title = next((line[2:].strip() for line in head if line.startswith("# ")), "")[:TITLE]
    if not parts:
        raise InvalidRequestError(
            "This file is no conversation of Forebay's: no line like '<!-- forebay:user -->' is in it.", param="items"
        )
    return title, [_said(part, number) for number, part in enumerate(parts)]


def _parts(text: str) -> list[list[str]]:
    """The lines before the first mark, and those from each mark on."""
    found: list[list[str]] = [[]]
    for line in text.split("\n"):
        if _MARK.match(line.rstrip("\r")):
            found.append([])
        found[-1].append(line)
    return found


def _said(lines: Sequence[str], number: int) -> Said:
    mark = _MARK.match(lines[0].rstrip("\r"))
    name = mark[1] if mark else ""
    if name not in ROLES:
        raise InvalidRequestError(
            f"'{name[:40]}' is nobody who speaks: one of {', '.join(ROLES)} does.", param=f"items[{number}].role"
        )
    # Between the heading and the text is one empty line, and one between the text and the next mark.
    body = lines[3:] if len(lines) > 1 and lines[1].startswith("## ") else lines[1:]
    text = "\n".join(body)
    return Said(name, _ESCAPED.sub(r"\1", text.removesuffix("\n")))
