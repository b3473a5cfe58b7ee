"""What a child prints: cut into lines and passed on to the log; the end of it is kept, in case it dies."""

import logging
import re
from collections import deque
from collections.abc import Callable

LINE_CHARACTERS = 1000
KEPT_LINES = 400

_LINE_ENDS = re.compile(rb"[\r\n]+")
_UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
_LEVEL = re.compile(r"\b(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b")
# How far into a line its level may stand: behind the name of a process, but not in the middle of a sentence.
_PREFIX = 60
# What a log puts before a message: its level, the time, and where in the program that was.
_BEFORE_MESSAGE = re.compile(rf"^.{{0,{_PREFIX}}}\b(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b[^\]]{{0,{_PREFIX}}}\] +")
# A traceback's last line, at the start of a line or behind the prefix of a log; or what argparse says.
_CAUSE = re.compile(r"(?:^|\] )((?:[A-Za-z_][\w.]*(?:Error|Exception|Interrupt): |[\w. /-]+: error: ).+)")


class Output:
    """The lines of one child; memory is bounded, whatever it prints."""

    def __init__(self, tell: Callable[[int, str], None]) -> None:
        self._tell = tell
        self._held = b""
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)

    def feed(self, data: bytes) -> None:
        """Take what was printed; a carriage return ends a line too, as progress bars have it."""
        *whole, held = _LINE_ENDS.split(self._held + data)
        for line in whole:
            self._note(line)
        # Of a line without an end only its beginning is kept; four bytes are the longest character.
        self._held = held[: 4 * LINE_CHARACTERS]

    def end(self) -> None:
        """Nothing more will come."""
        self._note(self._held)
        self._held = b""

    @property
    def last(self) -> str:
        """The message in the last line, or nothing."""
        return _BEFORE_MESSAGE.sub("", self._lines[-1]) if self._lines else ""

    def cause(self) -> str:
        """What it died of, as far as one line tells: the first exception, because others follow from it."""
        for line in self._lines:
            if found := _CAUSE.search(line):
                return found[1]
        return self.last

    def _note(self, raw: bytes) -> None:
        line = _UNPRINTABLE.sub("", raw.decode("utf-8", "replace")).rstrip()[:LINE_CHARACTERS]
        if line:
            self._lines.append(line)
            self._tell(_level(line), line)


def _level(line: str) -> int:
    """Warnings and errors keep their level; everything else is of interest only to somebody who looks for a fault."""
    found = _LEVEL.search(line, 0, _PREFIX)
    level = logging.getLevelNamesMapping()[found[1]] if found else logging.DEBUG
    return level if level >= logging.WARNING else logging.DEBUG
