"""A terminal as far as our own drawing needs one: what is on the screen, and what has scrolled away."""

import io
import re

_PARTS = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n])|(\x1b)")


class Screen(io.StringIO):
    """A file to write to; it has no use for a line longer than it is wide but to wrap it, as terminals do."""

    def __init__(self, width: int = 80, height: int = 24) -> None:
        super().__init__()
        self.width = width
        self.height = height
        self.rows = [""]
        self.row = self.column = 0
        self.frames = 0

    @property
    def top(self) -> int:
        """The row that is the first one on the screen."""
        return max(0, len(self.rows) - self.height)

    @property
    def text(self) -> str:
        """Everything, from the first line that scrolled away to the last on the screen."""
        return "\n".join(row.rstrip() for row in self.rows).rstrip("\n")

    def write(self, text: str, /) -> int:
        for code, letter, carriage, feed, character, stray in _PARTS.findall(text):
            assert not stray, f"an escape that nobody understands: {text!r}"
            if letter:
                self._obey(letter, code)
            elif carriage:
                self.column = 0
            elif feed:
                self._down()
            elif character:
                self._put(character)
        return len(text)

    def isatty(self) -> bool:
        return True

    def _obey(self, letter: str, code: str) -> None:
        if letter == "A":
            assert self.row - int(code) >= self.top, "the cursor would leave the screen"
            self.row -= int(code)
        elif letter == "K":
            self.rows[self.row] = self.rows[self.row][: self.column]
        elif letter == "J":
            self.rows[self.row] = self.rows[self.row][: self.column]
            self.rows[self.row + 1 :] = [""] * (len(self.rows) - self.row - 1)
        elif letter == "l" and code == "?2026":
            self.frames += 1
        else:
            assert letter in "mhl", f"unexpected: ESC [ {code} {letter}"

    def _down(self) -> None:
        self.row += 1
        self.column = 0
        if self.row == len(self.rows):
            self.rows.append("")

    def _put(self, character: str) -> None:
        if self.column == self.width:
            self._down()
        row = self.rows[self.row].ljust(self.column)
        self.rows[self.row] = row[: self.column] + character + row[self.column + 1 :]
        self.column += 1
