"""Single values on their way into the new file: references to the environment, and secrets, which are never copied."""

import re
from collections.abc import Mapping
from typing import Final

from forebay.migrate.notes import Fields, Notes
from forebay.migrate.secrecy import is_secret, looks_secret
from forebay.settings.document import below

PREFIX: Final = "os.environ/"
YEAR: Final = 365 * 86_400
_LEAST: Final = 0.001
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNFIT: Final = re.compile(r"[^A-Z0-9]+")


def seconds(fields: Fields, name: str) -> float | str | None:
    """The time of ``name`` in seconds, or the reference that stands there; what cannot be used is told."""
    value = fields.number(name)
    if value is None or (isinstance(value, str) and value.startswith(PREFIX)):
        return value
    try:
        found = float(value)
    except (ValueError, OverflowError):
        found = -1.0
    if _LEAST <= found < YEAR:
        return found
    fields.notes.add(fields.at(name), "is no number of seconds that can be used")
    return None


class Values:
    """Knows which variables the new file refers to; ``secrets`` are those that stood in the old file as text."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._names: dict[str, str] = {}
        self._reserved: set[str] = set()
        self.variables: dict[str, str] = {}
        self.secrets: dict[str, str] = {}

    def plain(self, value: object, path: str) -> object:
        """``value`` as the new file has it; what looks like a secret is kept as one."""
        if not isinstance(value, str):
            return value
        if value.startswith(PREFIX):
            return self._reference(value, path)
        if looks_secret(value):
            return self.secret(value, path, "secret")
        return value.replace("${", "$${")

    def secret(self, value: object, path: str, name: str) -> str:
        """A reference to the variable that will hold the secret ``value``, after ``name`` if it stood there as text."""
        text = value if isinstance(value, str) else str(value)
        if text.startswith(PREFIX):
            return self._reference(text, path)
        if text not in self._names:
            self._names[text] = self._free(_UNFIT.sub("_", name.upper()).strip("_") or "SECRET")
            self.secrets[self._names[text]] = path
        return self._referred(self._names[text], path)

    def absent(self, path: str, name: str) -> str:
        """A reference to a variable, called after ``name``, for a secret that the old file should have and has not."""
        return self._referred(self._free(name), path)

    def named(self, key: str, value: object, path: str, name: str) -> object:
        """The value of ``key``, which may tell by its name that it is a secret, with all that is in it."""
        if isinstance(value, Mapping):
            return {each: self.named(each, item, below(path, each), f"{name}_{each}") for each, item in value.items()}
        if isinstance(value, list):
            return [self.named(key, item, f"{path}[{number}]", name) for number, item in enumerate(value)]
        if isinstance(value, str) and value and is_secret(key):
            return self.secret(value, path, name)
        return self.plain(value, path)

    def _reference(self, value: str, path: str) -> str:
        name = value.removeprefix(PREFIX).strip()
        if not _NAME.fullmatch(name):
            self._notes.add(path, "refers to a variable whose name Forebay cannot read", "give it a plain name")
            name = self._free(_UNFIT.sub("_", f"V_{name.upper()}").strip("_"))
        return self._referred(name, path)

    def _referred(self, name: str, path: str) -> str:
        self.variables.setdefault(name, path)
        return f"${{{name}}}"

    def reserve(self, value: object) -> None:
        """Keep the names to which ``value``, the whole old file, refers: no secret gets one of them."""
        if isinstance(value, str) and value.startswith(PREFIX):
            self._reserved.add(value.removeprefix(PREFIX).strip())
        elif isinstance(value, Mapping):
            for each in value.values():
                self.reserve(each)
        elif isinstance(value, list):
            for each in value:
                self.reserve(each)

    def _free(self, name: str) -> str:
        name = name if name[:1].isalpha() else f"V_{name}"
        taken, number, found = {*self._reserved, *self.variables, *self._names.values()}, 1, name
        while found in taken:
            number += 1
            found = f"{name}_{number}"
        return found
