"""What ``${…}`` in a settings file stands for: an environment variable, the text in a file, what a command prints."""

import re
import shlex
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 64 * 1024
"""So long a file or an output may be."""

SECONDS: Final = 10.0
"""So long a command may take."""

_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_INNER = re.compile(rf"\$\{{({_VARIABLE})\}}")
REFERENCE: Final = re.compile(
    rf"\$\$\{{"
    rf"|\$\{{(?:(?P<how>file|command):(?P<what>(?:[^${{}}]|\$(?!\{{)|\$\{{{_VARIABLE}\}})*)\}}"
    rf"|(?:(?P<name>{_VARIABLE})(?::-(?P<default>[^{{}}]*))?\}})?)"
)
"""A reference, or a beginning of one (no group), or the ``$${`` that is a plain ``${``."""

Command = Callable[[Sequence[str]], str]
"""Gives what a command prints, or raises `ReferenceProblem`."""


class ReferenceProblem(Exception):  # noqa: N818  # it is told as one of many problems
    """A reference stands for nothing; the message names no value."""


class References:
    """Finds what references stand for: in ``environ``, in files, and by ``command``."""

    def __init__(self, environ: Mapping[str, str], command: Command) -> None:
        self._environ = environ
        self._command = command

    def value(self, found: re.Match[str]) -> str:
        """What the match of a `REFERENCE` stands for.

        Raises:
            ReferenceProblem: nothing, or more than `MAX_BYTES`.
        """
        if found[0] == "$${":
            return "${"
        if found["how"] == "file":
            return _text_of(self._completed(found["what"]).strip())
        if found["how"] == "command":
            return self._command([self._completed(word) for word in _words(found["what"])])
        if found["name"] is None:
            raise ReferenceProblem(
                "'${' begins no reference such as ${NAME}, ${NAME:-default}, ${file:PATH} or ${command:PROGRAM}; "
                "'$${' is a plain '${'"
            )
        return self._variable(found["name"], found["default"])

    def _variable(self, name: str, default: str | None) -> str:
        value = self._environ.get(name)
        if default is not None:
            value = value or default
        if value is None:
            raise ReferenceProblem(
                f"the environment variable {name} is not set; ${{{name}:-default}} would do without it"
            )
        if not _encodable(value):
            raise ReferenceProblem(f"the environment variable {name} is not valid UTF-8")
        return value

    def _completed(self, text: str) -> str:
        """``text`` with its variables; what they hold is never split into words."""
        return _INNER.sub(lambda found: self._variable(found[1], None), text)


def run_command(words: Sequence[str]) -> str:
    """What a program prints, without the line's end; no shell reads ``words``, and the program reads nothing.

    Raises:
        ReferenceProblem: it cannot be run, fails, takes longer than `SECONDS`, or prints nothing or too much.
    """
    called = f"the command '{words[0]}'"
    try:
        ended = subprocess.run(  # noqa: S603  # whoever writes the file may run what they like
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ReferenceProblem(f"{called} took longer than {SECONDS:g} s") from None
    except (OSError, ValueError) as error:
        raise ReferenceProblem(f"{called} cannot be run: {_why(error)}") from None
    if ended.returncode:
        raise ReferenceProblem(f"{called} ended with status {ended.returncode}; run it by hand to see why")
    return _usable(ended.stdout, called)


def no_command(words: Sequence[str]) -> str:
    """For a text that somebody sent: it runs nothing here.

    Raises:
        ReferenceProblem: always.
    """
    raise ReferenceProblem(f"the command '{words[0]}' is not run: ${{command:…}} is for the server's own file only")


def _text_of(path: str) -> str:
    called = f"the file '{path}'"
    try:
        file = Path(path)
        if not stat.S_ISREG(file.stat().st_mode):  # a pipe may never end
            raise ReferenceProblem(f"{called} is no regular file")
        with file.open("rb") as opened:
            return _usable(opened.read(MAX_BYTES + 1), called)
    except (OSError, ValueError) as error:
        raise ReferenceProblem(f"{called} cannot be read: {_why(error)}") from None


def _usable(found: bytes, called: str) -> str:
    """As a text, without the end of its last line."""
    if len(found) > MAX_BYTES:
        raise ReferenceProblem(f"{called} gives more than {MAX_BYTES // 1024} KiB")
    try:
        text = found.decode()
    except UnicodeDecodeError:
        raise ReferenceProblem(f"{called} gives what is not valid UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ReferenceProblem(f"{called} gives nothing")
    return text


def _words(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not words:
        raise ReferenceProblem("${command:…} names no program, or has a quote without an end")
    return words


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "it has no usable name"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
