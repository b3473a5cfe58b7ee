r"""Writes the arguments of a tool call in one way: what a model wrote as an escape, a guard would not know again.

Source: RFC 8259, section 7: any character of a string may be written as ``\uXXXX``.
"""

import re
from typing import Final

_WHOLE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|[^u])", re.DOTALL)
_BEGUN: Final = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_FIRST_PRINTABLE: Final = 0x20
_SURROGATES: Final = range(0xD800, 0xE000)


class Unescaping:
    """Writes escapes of what needs none as the characters themselves; the JSON means the same."""

    def __init__(self) -> None:
        self._held = ""

    async def feed(self, piece: str) -> str:
        """All but an escape that has only begun."""
        text = self._held + piece
        end = max((found.end() for found in _WHOLE.finditer(text)), default=0)
        begun = _BEGUN.search(text, end)
        cut = begun.start() if begun else len(text)
        self._held = text[cut:]
        return _WHOLE.sub(_plain, text[:cut])

    async def end(self, piece: str) -> str:
        """The rest, as it is."""
        text, self._held = self._held + piece, ""
        return _WHOLE.sub(_plain, text)


def _plain(found: re.Match[str]) -> str:
    escape = found[0]
    if escape == "\\/":
        return "/"
    if escape[1] != "u":
        return escape
    code = int(escape[2:], base=16)  # noqa: FURB166  # it is no prefix of a number
    if code < _FIRST_PRINTABLE or code in _SURROGATES or chr(code) in '"\\':
        return escape
    return chr(code)
