"""A part of the settings whose shape only its plug-in knows."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from forebay.settings.document import Entries, Node, Scalar, below, located, plain, shown
from forebay.settings.problems import Problem, Problems, SettingsError
from forebay.settings.reader import MISSING, REQUIRED, Reader

T = TypeVar("T", bound=msgspec.Struct)

KIND = "kind"


class Section(msgspec.Struct, frozen=True):
    """An entry of `providers`: its ``kind``, and the rest, kept as it stands in ``source`` until a plug-in reads it."""

    kind: str
    source: str
    entries: Entries

    @classmethod
    def from_node(cls, node: Node, reader: Reader) -> Any:  # noqa: ANN401  # or MISSING
        """The section at ``node``, whose ``kind`` is all that is read of it."""
        entries = reader.entries(node)
        if entries is None:
            return MISSING
        if KIND not in entries.entries:
            reader.problems.add(node.line, below(node.path, KIND), REQUIRED)
            return MISSING
        kind = reader.read(entries.entries[KIND], str)
        return MISSING if kind is MISSING else cls(kind, reader.problems.source, entries)

    def read(self, shape: type[T]) -> T:
        """The section, without its ``kind``, as the plug-in's own settings.

        Raises:
            SettingsError: it does not fit ``shape``: unknown keys, wrong types, missing values, all at once.
        """
        problems = Problems(self.source)
        rest = {key: node for key, node in self.entries.entries.items() if key != KIND}
        found: T = Reader(problems).read(msgspec.structs.replace(self.entries, entries=rest), shape)
        problems.settle()
        return found

    def plain(self) -> object:
        """What it says, wherever it stands; its secrets too."""
        return plain(self.entries)

    def same_as(self, other: "Section") -> bool:
        """Whether ``other`` says the same, wherever it stands."""
        return (self.kind, plain(self.entries)) == (other.kind, plain(other.entries))

    def error(self, message: str, key: str = KIND) -> SettingsError:
        """An error about the value of ``key``, for whoever finds one that no type can tell."""
        line = self.entries.lines.get(key, self.entries.line)
        kind = self.entries.entries.get(KIND)
        if isinstance(kind, Scalar) and kind.expanded:  # a plug-in's name from outside the file may be no name at all
            message = message.replace(f"'{shown(kind.text)}'", "'***'")
        return SettingsError(self.source, (Problem(line, below(self.entries.path, key), message),))

    def __repr__(self) -> str:
        return f"Section(kind={self.kind!r}, keys={list(self.entries.entries)!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("kind", self.kind), ("keys", list(self.entries.entries))]


def section(kind: str, options: Mapping[str, object], *, source: str = "built-in settings", path: str = "") -> Section:
    """A section made in code, for what needs no file; strings are taken as they are, without ``${VAR}``."""
    node = located({**options, KIND: kind}, path)
    assert isinstance(node, Entries)  # noqa: S101  # of a mapping
    return Section(kind, source, node)
