"""Draws lines at the end of a terminal's text, and redraws only those that changed.

Lines that are done are never touched again, so they scroll away like any other output and can be scrolled back to. The
others are never more than the screen holds, because a terminal cannot go up further. A frame is written at once, and
what stays is not erased: nothing flickers.
"""

from typing import Final

from rich.console import Console
from rich.text import Text

_HIDE_CURSOR: Final = "\x1b[?25l"
_SHOW_CURSOR: Final = "\x1b[?25h"
_BEGIN_FRAME: Final = "\x1b[?2026h"
_END_FRAME: Final = "\x1b[?2026l"
_ERASE_LINE: Final = "\x1b[K"
_ERASE_BELOW: Final = "\x1b[J"


class Painter:
    """Draws on ``console``, with the cursor always below the last line drawn."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._drawn: list[str] = []
        self._width = console.width

    def start(self) -> None:
        """Get ready to draw."""
        self._drawn = []
        self._write(_HIDE_CURSOR)

    def stop(self) -> None:
        """Leave the screen as it is."""
        self._write(_SHOW_CURSOR)

    def draw(self, done: list[str], changing: list[str]) -> None:
        """Show the ``done`` lines for good and, below them, the last of those that may still change."""
        width, height = self._console.size
        changing = changing[-(height - 1) :]
        lines = [*done, *changing]
        same = _common(self._drawn, lines)
        stale = self._drawn[same:]
        up = min(self._rows(stale, width), height - 1)
        self._drawn, self._width = changing, width
        if stale or len(lines) > same:
            above = f"\x1b[{up}A" if up else ""
            below = "".join(f"{_ERASE_LINE}{line}\n" for line in lines[same:])
            self._write(f"{_BEGIN_FRAME}{above}\r{below}{_ERASE_BELOW}{_END_FRAME}")

    def _rows(self, lines: list[str], width: int) -> int:
        """How many rows ``lines`` take; since they were drawn the terminal may have become narrower."""
        if width >= self._width:
            return len(lines)
        return sum(max(1, -(-Text.from_ansi(line).cell_len // width)) for line in lines)

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


def _common(one: list[str], other: list[str]) -> int:
    """How many lines at their beginning are the same."""
    for number, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return number
    return min(len(one), len(other))
