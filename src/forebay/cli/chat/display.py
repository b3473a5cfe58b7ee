"""Where an answer is shown: `Plain` in a pipe, `markdown.Terminal` in a terminal."""

import sys
from types import TracebackType
from typing import Protocol, Self, TextIO

from forebay.cli.chat.text import clean


class Display(Protocol):
    """Shows one answer after the other; the context is the time in which one arrives."""

    def __enter__(self) -> object:
        """An answer has been asked for."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """No more of it will come."""
        ...

    def show(self, text: str) -> None:
        """More of it has come; called now and then with nothing, so that something can move."""
        ...

    def tell(self, line: str) -> None:
        """Say something about it."""
        ...


class Plain:
    """Writes the text itself to ``out``, piece by piece, and nothing else."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._safe = clean if out.isatty() else str
        self._ended = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._ended:
            self._write("\n")

    def show(self, text: str) -> None:
        """Write ``text``."""
        if text:
            self._write(self._safe(text))

    def tell(self, line: str) -> None:
        """Nothing: a pipe gets the answer and only that."""

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
        self._ended = text.endswith("\n")


def display() -> Display:
    """The one that fits standard output."""
    if sys.stdout.isatty():
        from forebay.cli.chat.markdown import terminal  # noqa: PLC0415  # its libraries are for terminals only

        return terminal()
    return Plain(sys.stdout)
