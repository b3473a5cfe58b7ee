"""What is wrong with a settings file: collected while it is read, told together."""

import difflib
from collections.abc import Iterable
from itertools import islice

import msgspec

MAX_PROBLEMS = 100
_MAX_CANDIDATES = 1000
_MAX_LISTED = 12


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong: where (``line`` 0: in no line of the file, ``path`` empty: the whole) and what."""

    line: int
    path: str
    message: str

    def located(self, source: str) -> str:
        """As ``source:line: path: message``."""
        place = f"{source}:{self.line}" if self.line else source
        return ": ".join(filter(None, (place, self.path, self.message)))


class SettingsError(Exception):
    """A settings file that cannot be used, with everything that was found wrong in it."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__(source, self.problems)

    def __str__(self) -> str:
        return "\n".join(problem.located(self.source) for problem in self.problems)


class Problems:
    """The problems found so far in ``source``; after `MAX_PROBLEMS` of them it gives up by itself."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.found: list[Problem] = []

    def add(self, line: int, path: str, message: str) -> None:
        """Take note of a problem and go on."""
        self.found.append(Problem(line, path, message))
        if len(self.found) == MAX_PROBLEMS:
            self.found.append(Problem(line, "", "too many problems; the rest of the file was not checked"))
            raise self.error()

    def error(self) -> SettingsError:
        """All of them as one error."""
        return SettingsError(self.source, self.found)

    def settle(self) -> None:
        """End the reading.

        Raises:
            SettingsError: anything was wrong.
        """
        if self.found:
            raise self.error()


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of the ``known`` names that ``name`` was probably meant to be."""
    candidates = {candidate.lower(): candidate for candidate in islice(known, _MAX_CANDIDATES)}
    near = difflib.get_close_matches(name[:64].lower(), candidates, n=1)
    return candidates[near[0]] if near else None


def hint(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown ``name``: the nearest of the ``known`` ones, or some of them."""
    listed = list(islice(known, _MAX_CANDIDATES))
    near = nearest(name, listed)
    if near is not None:
        return f"; did you mean '{near}'?"
    if not listed:
        return ""
    more = ", …" if len(listed) > _MAX_LISTED else ""
    return f"; known are: {', '.join(listed[:_MAX_LISTED])}{more}"
