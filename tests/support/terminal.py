"""Runs a program in a terminal of its own, types into it and reads what it shows."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping

SECONDS = 15.0
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>]|[()][0-9A-B])")

# A new session's leader takes the terminal for its own, so that Ctrl-C means it.
_LAUNCH = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


class Terminal:
    """A running program and its terminal."""

    def __init__(self, process: "subprocess.Popen[bytes]", master: int) -> None:
        self.process = process
        self._master = master
        self._raw = b""

    @property
    def text(self) -> str:
        """All that was shown, without colours and movements."""
        return _ESCAPES.sub("", self._raw.decode(errors="replace")).replace("\r", "")

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, expected: str, count: int = 1) -> None:
        """Wait until ``expected`` has been shown ``count`` times."""
        self._until(lambda: self.text.count(expected) >= count, expected)

    def until_last(self, expected: str) -> None:
        """Wait until ``expected`` is the last that is shown."""
        self._until(lambda: self.text.rstrip().endswith(expected), expected)

    def ended(self) -> int:
        """The exit status."""
        return self.process.wait(SECONDS)

    def _until(self, reached: Callable[[], bool], expected: str) -> None:
        end = time.monotonic() + SECONDS
        while not reached():
            left = end - time.monotonic()
            assert left > 0, f"{expected!r} was not shown in {self.text!r}"
            if select.select([self._master], [], [], left)[0]:
                try:
                    self._raw += os.read(self._master, 65536)
                except OSError:
                    raise AssertionError(f"the program ended before {expected!r}: {self.text!r}") from None


@contextlib.contextmanager
def terminal(command: list[str], environ: Mapping[str, str], rows: int = 24, columns: int = 80) -> Iterator[Terminal]:
    """``command`` in a terminal of that size."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", _LAUNCH, *command],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, **environ},
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
