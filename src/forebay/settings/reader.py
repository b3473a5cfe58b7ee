"""Reads a tree of located values into types: msgspec Structs, whoever wrote them, and all that their fields may be.

Nothing that came from the environment, and nothing that belongs into a `Secret`, is ever put into a message.
"""

import contextlib
import math
import re
import types
from collections import abc
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, NewType, TypeAlias, Union, get_args, get_origin

import msgspec

from forebay.settings.document import Entries, Items, Node, Scalar, below, plain, resolve, shown
from forebay.settings.problems import Problems, hint
from forebay.settings.values import UNIT, UNITS, Secret, Unit

Shape: TypeAlias = Any
"""A type, or whatever else an annotation may say."""

Value: TypeAlias = Any
"""A value of a `Shape`, or `MISSING`."""

MISSING: Any = object()
"""What is read where something was wrong and has been told."""

_TELLING = 4
"""A text from the environment that is shorter than this tells nothing, and may well stand in a message by chance."""

REQUIRED = "is missing, and has no default"

_NAMES: Mapping[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    type(None): "nothing",
    Secret: "a string",
}
_LISTS: Mapping[Any, Callable[[Iterable[Any]], Any]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    abc.Sequence: tuple,
    abc.Collection: tuple,
    abc.Iterable: tuple,
    abc.Set: frozenset,
}
_MAPPINGS = (dict, abc.Mapping, abc.MutableMapping)
_LIMITS: Mapping[str, tuple[Callable[[Any, Any], bool], str]] = {
    "ge": (lambda value, bound: value >= bound, "must be at least {}"),
    "gt": (lambda value, bound: value > bound, "must be more than {}"),
    "le": (lambda value, bound: value <= bound, "must be at most {}"),
    "lt": (lambda value, bound: value < bound, "must be less than {}"),
    "multiple_of": (lambda value, bound: value % bound == 0, "must be a multiple of {}"),
    "pattern": (lambda value, bound: re.search(bound, value) is not None, "must match '{}'"),
    "min_length": (lambda value, bound: len(value) >= bound, "must have a length of at least {}"),
    "max_length": (lambda value, bound: len(value) <= bound, "must have a length of at most {}"),
}


class Reader:
    """Reads nodes; what is wrong with them goes to ``problems``."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self._hidden: list[str] = []

    def read(self, node: Node, shape: Shape) -> Value:
        """The value of ``node`` as a ``shape``, or `MISSING`.

        A class that keeps the node for later has a class method ``from_node(node, reader)``.
        """
        shape, metas = _bare(shape)
        if type(node) is Node:
            return MISSING
        unit = next((UNITS[meta.extra[UNIT]] for meta in metas if meta.extra and UNIT in meta.extra), None)
        value = self._measured(node, shape, unit) if unit else self._value(node, shape)
        return value if value is MISSING else self._within(node, value, metas)

    def wrong(self, node: Node, message: str) -> Value:
        """`MISSING`, having told the ``message`` about ``node``."""
        for text in self._hidden:
            message = message.replace(text, "***")
        self.problems.add(node.line, node.path, message)
        return MISSING

    def mistyped(self, node: Node, wanted: str) -> Value:
        """`MISSING`, having told that ``node`` is not what was ``wanted``."""
        return self.wrong(node, f"expected {wanted}, got {_kind(node)}")

    def _value(self, node: Node, shape: Shape) -> Value:
        origin = _origin(shape)
        for fits, read in self._readers:
            if fits(origin):
                return read(self, node, shape)
        return self._converted(node, shape)

    def _within(self, node: Node, value: Value, metas: Iterable[msgspec.Meta]) -> Value:
        measured = value.reveal() if isinstance(value, Secret) else value
        for meta in metas:
            for name, (holds, message) in _LIMITS.items():
                bound = getattr(meta, name)
                # As in msgspec, a bound means those members of a union that can have one.
                with contextlib.suppress(TypeError):
                    if bound is not None and not holds(measured, bound):
                        return self.wrong(node, message.format(bound))
        return value

    def _any(self, node: Node, _shape: Shape) -> Value:
        return plain(node)

    def _own(self, node: Node, shape: Shape) -> Value:
        return shape.from_node(node, self)

    def _scalar(self, node: Node, shape: Shape) -> Value:
        value: Any = node.value if isinstance(node, Scalar) else None
        if shape is str and isinstance(node, Scalar) and node.expanded:
            value = node.text
            self._hidden += [value] if len(value) >= _TELLING else []
        if shape is float and type(value) is int:
            value = _float(value)
        if type(value) is not shape:
            return self.mistyped(node, _NAMES[shape])
        if shape is float and not math.isfinite(value):
            return self.wrong(node, "expected a number that is finite")
        return value

    def _secret(self, node: Node, _shape: Shape) -> Value:
        if isinstance(node, Scalar) and isinstance(node.value, Secret):
            return node.value
        text = self._scalar(node, str)
        if text is MISSING:
            return MISSING
        if not text:
            return self.wrong(node, "must not be empty")
        self._hidden.append(text)
        return Secret(text)

    def _measured(self, node: Node, shape: Shape, unit: Unit) -> Value:
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, str):
            value = unit.parse(value)
        if type(value) is int or (shape is float and type(value) is float):
            measured = _float(value)
            if math.isfinite(measured):
                return measured if shape is float else value
        return self.wrong(node, f"expected {unit.name}, got {_shown(node)}")

    def _literal(self, node: Node, shape: Shape) -> Value:
        choices = get_args(shape)
        given = [node.value, node.text] if isinstance(node, Scalar) and node.expanded else [plain(node)]
        for choice in choices:
            if any(type(choice) is type(value) and choice == value for value in given):
                return choice
        near = hint(given[0], [choice for choice in choices if isinstance(choice, str)]) if _showable(node) else ""
        return self.wrong(node, f"expected {_alternatives(shape)}, got {_shown(node)}{near if '?' in near else ''}")

    def _union(self, node: Node, shape: Shape) -> Value:
        members = get_args(shape)
        if type(None) in members and _empty(node):
            return None
        members = tuple(member for member in members if member not in {type(None), msgspec.UnsetType})
        if len(members) == 1:
            return self.read(node, members[0])
        for member in members:
            trial = Problems(self.problems.source)
            value = Reader(trial).read(node, member)
            if not trial.found:
                return value
        return self.mistyped(node, " or ".join(_named(member) for member in members))

    def _list(self, node: Node, shape: Shape) -> Value:
        if _empty(node):
            node = Items(node.line, node.path, ())
        if not isinstance(node, Items):
            return self.mistyped(node, "a list")
        origin, args = _origin(shape), get_args(shape)
        if origin is tuple and args and args[-1] is not Ellipsis:
            if len(args) != len(node.items):
                return self.wrong(node, f"expected a list of {len(args)}, got one of {len(node.items)}")
            values = [self.read(item, arg) for item, arg in zip(node.items, args, strict=True)]
        else:
            values = [self.read(item, args[0] if args else Any) for item in node.items]
        if any(value is MISSING for value in values):
            return MISSING
        try:
            return _LISTS[origin](values)
        except TypeError:  # a set of what cannot be in one
            return self.wrong(node, "expected a list of plain values")

    def _mapping(self, node: Node, shape: Shape) -> Value:
        found: dict[Any, Any] = {}
        whole = True
        if (entries := self.entries(node)) is None:
            return MISSING
        key_shape, value_shape = get_args(shape) or (str, Any)
        for name, item in entries.entries.items():
            key = self.read(Scalar(entries.lines[name], item.path, resolve(name), name, expanded=True), key_shape)
            found[key] = self.read(item, value_shape)
            whole = whole and key is not MISSING and found[key] is not MISSING
        return found if whole else MISSING

    def _struct(self, node: Node, shape: Shape) -> Value:
        if (entries := self.entries(node)) is None:
            return MISSING
        fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
        for key in entries.entries:
            if key not in fields:
                what = f"unknown key '{shown(key)}'{hint(key, fields)}"
                self.problems.add(entries.lines[key], below(node.path, key), what)
        values: dict[str, Any] = {}
        for name, field in fields.items():
            if name in entries.entries:
                values[field.name] = self.read(entries.entries[name], field.type)
            elif field.required:
                self.problems.add(node.line, below(node.path, name), REQUIRED)
                values[field.name] = MISSING
        if any(value is MISSING for value in values.values()):
            return MISSING
        try:
            return shape(**values)
        except (ValueError, TypeError) as error:  # what a Struct's own __post_init__ says
            return self.wrong(node, str(error))

    def entries(self, node: Node) -> Entries | None:
        """``node`` as a mapping; one whose entries are all commented out is empty. ``None`` if it is none."""
        if _empty(node):
            return Entries(node.line, node.path, {}, {})
        if isinstance(node, Entries):
            return node
        self.mistyped(node, "a mapping")
        return None

    def _converted(self, node: Node, shape: Shape) -> Value:
        """Whatever else msgspec knows: dates, enums, UUIDs."""
        try:
            return msgspec.convert(plain(node), shape)
        except msgspec.ValidationError as error:
            return self.wrong(node, str(error) if _showable(node) else f"expected a {_named(shape)}")

    _readers: ClassVar[tuple[tuple[Callable[[Any], bool], Callable[["Reader", Node, Any], Any]], ...]] = (
        (lambda shape: shape in {str, int, float, bool}, _scalar),
        (lambda shape: shape is Secret, _secret),
        (lambda shape: shape is Any or shape is object, _any),
        (lambda shape: hasattr(shape, "from_node"), _own),
        (lambda shape: shape is Literal, _literal),
        (lambda shape: shape is Union or shape is types.UnionType, _union),
        (lambda shape: shape in _MAPPINGS, _mapping),
        (lambda shape: shape in _LISTS, _list),
        (lambda shape: isinstance(shape, type) and issubclass(shape, msgspec.Struct), _struct),
    )


def _bare(shape: Shape) -> tuple[Shape, list[msgspec.Meta]]:
    """A type without its annotations and other names, and the msgspec ones among the annotations."""
    metas: list[msgspec.Meta] = []
    while True:
        if _origin(shape) is Annotated:
            metas += [meta for meta in shape.__metadata__ if isinstance(meta, msgspec.Meta)]
            shape = shape.__origin__
        elif isinstance(shape, NewType):
            shape = shape.__supertype__
        elif hasattr(shape, "__value__"):  # a `type` statement
            shape = shape.__value__
        else:
            return shape, metas


def _origin(shape: Shape) -> Shape:
    origin: Any = get_origin(shape)
    return origin or shape


def _named(shape: Shape) -> str:
    shape, metas = _bare(shape)
    for meta in metas:
        if meta.extra and UNIT in meta.extra:
            return UNITS[meta.extra[UNIT]].name
    origin = _origin(shape)
    if origin is Literal:
        return _alternatives(shape)
    if origin in _LISTS:
        return "a list"
    if origin in _MAPPINGS or (isinstance(origin, type) and issubclass(origin, msgspec.Struct)):
        return "a mapping"
    return _NAMES.get(origin) or str(getattr(origin, "__name__", origin))


def _alternatives(shape: Shape) -> str:
    return " or ".join(f"'{choice}'" for choice in get_args(shape))


def _kind(node: Node) -> str:
    if isinstance(node, Scalar):
        return _NAMES.get(type(node.value), type(node.value).__name__)
    return "a list" if isinstance(node, Items) else "a mapping"


def _shown(node: Node) -> str:
    return f"'{shown(plain(node))}'" if _showable(node) else _kind(node)


def _showable(node: Node) -> bool:
    return isinstance(node, Scalar) and isinstance(node.value, str) and not node.expanded


def _empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
