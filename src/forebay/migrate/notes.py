"""What could not be carried over, and the mappings that know what of them was."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from forebay.migrate.secrecy import looks_secret
from forebay.settings.document import below, shown

AGAIN: Final = "in the old file, and import that again"
"""How the remedy ends of what may not be in the new file at all."""

_MOST: Final = 10**12


class Note(msgspec.Struct, frozen=True):
    """Something that is not in the new file as it was in the old one: where it stood, why, and what to do."""

    path: str
    why: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.why}" + (f"; {self.remedy}" if self.remedy else "")


class Notes:
    """All notes, each once, in the order in which they came up."""

    def __init__(self) -> None:
        self._notes: dict[Note, None] = {}

    def add(self, path: str, why: str, remedy: str = "") -> None:
        """Tell that what stands at ``path`` is not as it was."""
        self._notes[Note(path, why, remedy)] = None

    def __iter__(self) -> Iterator[Note]:
        return iter(self._notes)


class Fields:
    """A mapping of the old file; whoever takes a value has dealt with it, and what nobody took is told in the end."""

    def __init__(self, value: Any, path: str, notes: Notes) -> None:  # noqa: ANN401  # whatever stood there
        self.path = path
        self.notes = notes
        self._left: dict[str, Any] = {}
        if isinstance(value, dict):
            self._left = dict(value)
        elif value is not None:
            notes.add(path, "is no mapping")

    def __contains__(self, name: str) -> bool:
        return self._left.get(name) is not None

    def names(self) -> list[str]:
        """What nobody has taken yet."""
        return list(self._left)

    def at(self, name: str) -> str:
        """The path of ``name``."""
        return below(self.path, name)

    def take(self, name: str) -> Any:  # noqa: ANN401
        """The value of ``name``, or ``None``."""
        return self._left.pop(name, None)

    def text(self, name: str) -> str:
        """The text of ``name``, empty where there is none; anything but a text is told."""
        value = self.take(name)
        if isinstance(value, str):
            return value
        if value is not None:
            self.notes.add(self.at(name), "is no string")
        return ""

    def number(self, name: str) -> float | str | None:
        """The number of ``name``, or the text that may mean one; anything else is told."""
        value = self.take(name)
        if isinstance(value, bool) or not (value is None or isinstance(value, (int, float, str))):
            self.notes.add(self.at(name), "is no number")
            return None
        return value

    def amount(self, name: str) -> float | None:
        """The number of ``name``, from zero to a million million; anything else is told."""
        value = self.number(name)
        if value is None:
            return None
        try:
            found = float(value)
        except (ValueError, OverflowError):
            found = -1.0
        if 0 <= found < _MOST:
            return found
        self.notes.add(self.at(name), "is no number that can be used")
        return None

    def flag(self, name: str) -> bool | None:
        """Whether ``name`` is true, ``None`` where nothing says so; anything else is told."""
        value = self.take(name)
        if value is None or isinstance(value, bool):
            return value
        self.notes.add(self.at(name), "is neither true nor false")
        return None

    def below(self, name: str) -> "Fields":
        """The mapping ``name``."""
        return Fields(self.take(name), self.at(name), self.notes)

    def items(self, name: str) -> list[tuple[str, Any]]:
        """The list ``name``: the path and the value of each."""
        value = self.take(name)
        if isinstance(value, list):
            return [(f"{self.at(name)}[{number}]", each) for number, each in enumerate(value)]
        if value is not None:
            self.notes.add(self.at(name), "is no list")
        return []

    def tell(self, why: str, remedy: str = "") -> None:
        """Note everything that nobody took, for one reason."""
        for name in self.names():
            if self.take(name) is not None:
                self.notes.add(self.at(name), why, remedy)


def quoted(text: str) -> str:
    """A name as a note shows it, unless it might be a secret in the wrong place."""
    return "'***'" if looks_secret(text) else f"'{shown(text)}'"
