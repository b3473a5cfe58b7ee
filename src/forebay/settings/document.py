"""YAML text as a tree of plain values that know their line and path; ``${…}`` is expanded on the way.

It reads YAML's core schema (``yes`` and ``on`` are strings, ``010`` is ten) from the parser's events, so that no file
can nest, alias or expand itself out of bounds.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec
import yaml

from forebay.settings.problems import Problems
from forebay.settings.references import REFERENCE, ReferenceProblem, References

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 16
MAX_NODES = 50_000
MAX_KEY = 48

Event: TypeAlias = Any
"""One of PyYAML's events, whose attributes depend on its class."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?[0-9]{1,30}")
_BASED = re.compile(r"0(?:o[0-7]{1,30}|x[0-9a-fA-F]{1,30})")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_PLAIN_KEY = re.compile(r"[^\s.\[\]\"':]+")


class Node(msgspec.Struct, frozen=True):
    """A place in the file; by itself one whose value could not be read, which has been told already."""

    line: int
    path: str


class Scalar(Node, frozen=True):
    """A single value; ``expanded`` if some of it came from outside the file: never shown, and a string at will."""

    value: Any
    text: str = ""
    expanded: bool = False


class Items(Node, frozen=True):
    """A list."""

    items: tuple[Node, ...]


class Entries(Node, frozen=True):
    """A mapping; ``lines`` has the lines of its keys."""

    entries: Mapping[str, Node]
    lines: Mapping[str, int]


def below(path: str, key: str) -> str:
    """The path of ``key`` in the mapping at ``path``."""
    short = shown(key)
    step = short if _PLAIN_KEY.fullmatch(short) else f'"{short}"'
    return f"{path}.{step}" if path else step


def shown(key: str) -> str:
    """``key`` as a message shows it: on one line and not too long."""
    printable = "".join(character if character.isprintable() else "?" for character in key[: MAX_KEY + 1])
    return printable if len(printable) <= MAX_KEY else printable[: MAX_KEY - 1] + "…"


def resolve(text: str) -> object:
    """What an unquoted ``text`` means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def parse(text: str, problems: Problems, references: References) -> Node:
    """The tree of ``text``, with whatever is wrong in it added to ``problems``.

    Raises:
        SettingsError: it is no YAML, or more than a settings file may be.
    """
    if not _encodable(text) or len(text.encode()) > MAX_BYTES:
        problems.add(1, "", f"is not a text file of at most {MAX_BYTES // 1024} KiB in UTF-8")
        raise problems.error()
    try:
        return _Builder(yaml.parse(text, Loader=_LOADER), problems, references).document()
    except yaml.MarkedYAMLError as error:
        lines = text.split("\n")
        mark = error.problem_mark or error.context_mark
        line = min(mark.line + 1, len(lines)) if mark else 1
        what = ", ".join(filter(None, (error.context, error.problem)))
        quote = '; within { } a reference is quoted: "${NAME}"' if "${" in lines[line - 1] else ""
        problems.add(line, "", f"is not valid YAML: {what}{quote}")
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        problems.add(line, "", "is not valid YAML: a control character may not stand in it")
    except yaml.YAMLError:
        problems.add(1, "", "is not valid YAML")
    raise problems.error()


def located(value: object, path: str, *, line: int = 0) -> Node:
    """A value that was made in code, as a tree."""
    if isinstance(value, msgspec.Struct):
        value = {field.encode_name: getattr(value, field.name) for field in msgspec.structs.fields(value)}
    if isinstance(value, Mapping):
        entries = {str(key): located(item, below(path, str(key)), line=line) for key, item in value.items()}
        return Entries(line, path, entries, dict.fromkeys(entries, line))
    if isinstance(value, (list, tuple, set, frozenset)):
        return Items(line, path, tuple(located(item, f"{path}[{n}]", line=line) for n, item in enumerate(value)))
    return Scalar(line, path, value)


def plain(node: Node) -> Any:  # noqa: ANN401  # whatever it is
    """The tree below ``node`` as Python's own values."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    if isinstance(node, Entries):
        return {key: plain(entry) for key, entry in node.entries.items()}
    return None


class _Builder:
    """Builds the tree out of the parser's events."""

    def __init__(self, events: Iterator[Event], problems: Problems, references: References) -> None:
        self._events = events
        self._problems = problems
        self._references = references
        self._nodes = 0
        self._room = MAX_BYTES

    def document(self) -> Node:
        """The only document; an empty file is an empty mapping."""
        root: Node = Entries(1, "", {}, {})
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._fail(event, "", "has a second document ('---'); one file is one document")
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, "", _line(event), 1)
        return root

    def _node(self, event: Event, path: str, line: int, depth: int) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            self._fail(event, path, f"has more than {MAX_NODES} values, or more than {MAX_DEPTH} within each other")
        if isinstance(event, yaml.AliasEvent):
            self._problems.add(_line(event), path, "aliases ('*name') are not supported; write the value itself")
            return Node(_line(event), path)
        if event.tag is not None:
            self._problems.add(_line(event), path, "tags ('!name') are not supported; write the plain value")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, line, depth)
        return self._mapping(path, line, depth)

    def _sequence(self, path: str, line: int, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, f"{path}[{len(items)}]", _line(event), depth + 1))
        return Items(line, path, tuple(items))

    def _mapping(self, path: str, line: int, depth: int) -> Node:
        entries: dict[str, Node] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if isinstance(event, yaml.ScalarEvent):
                key = event.value
            else:
                key = ""
                self._problems.add(_line(event), path, "a key must be a plain string")
                self._node(event, path, _line(event), depth + 1)
            value = self._node(next(self._events), below(path, key), _line(event), depth + 1)
            if key in entries:
                self._problems.add(_line(event), below(path, key), f"stands in line {lines[key]} already")
            else:
                entries[key], lines[key] = value, _line(event)
        return Entries(line, path, entries, lines)

    def _scalar(self, event: Event, path: str) -> Node:
        line = _line(event)
        text = event.value
        expanded = "${" in text
        if expanded:
            replaced = self._expanded(text, line, path)
            if replaced is None:
                return Node(line, path)
            text = replaced
        value = resolve(text) if event.implicit[0] else text
        return Scalar(line, path, value, text, expanded)

    def _expanded(self, text: str, line: int, path: str) -> str | None:
        wrong: list[str] = []

        def replace(found: re.Match[str]) -> str:
            try:
                value = self._references.value(found)
            except ReferenceProblem as problem:
                wrong.append(str(problem))
                return ""
            self._room -= len(value)
            if self._room < 0:
                wrong.append(f"what its references stand for is more than {MAX_BYTES // 1024} KiB in the whole file")
                return ""
            return value

        replaced = REFERENCE.sub(replace, text)
        for message in dict.fromkeys(wrong):
            self._problems.add(line, path, message)
        return None if wrong else replaced

    def _fail(self, event: Event, path: str, message: str) -> None:
        self._problems.add(_line(event), path, message)
        raise self._problems.error()


def _line(event: Event) -> int:
    line: int = event.start_mark.line + 1
    return line


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
