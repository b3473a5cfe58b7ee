"""Where the texts of requests and replies stand, whatever the vendor's or the client's own shapes are.

Every string counts as text, at any depth and in any field, unless it is known to be none (`fields`); so do names that
no protocol gave. What is not known is not passed over.
"""

from collections.abc import MutableMapping, MutableSequence
from typing import Any, Final

import msgspec

from forebay.core.types import Operation
from forebay.core.verdicts import Side
from forebay.gateway.guarding.fields import KNOWN, is_name, is_structure

Fields = dict[str, Any]

MOST_TEXTS: Final = 20_000
"""So many texts one body may have."""
DEEPEST: Final = 100
"""So many objects and lists may stand in each other."""
_ARGUMENTS: Final = frozenset({"tool_calls", "function_call"})
_RESULTS: Final = frozenset({"tool", "function"})
_FREE: Final = frozenset({"metadata"})
"""Objects whose fields the client names: nothing in them is known to be no text."""
_OF_PROMPTS: Final = {
    Operation.COMPLETION: ("prompt", "suffix"),
    Operation.EMBEDDING: ("input",),
    Operation.RERANK: ("query", "documents", "instruction"),
    Operation.MODERATION: ("input",),
    Operation.SPEECH: ("input", "instructions"),
    Operation.IMAGE: ("prompt",),
    Operation.IMAGE_EDIT: ("prompt",),
}


class Place(msgspec.Struct, frozen=True):
    """A text: where it stands, on which side of the guards, and what a client calls it."""

    holder: MutableMapping[str, Any] | MutableSequence[Any]
    key: Any
    side: Side
    param: str

    @property
    def text(self) -> str:
        """What stands there."""
        found: str = self.holder[self.key]
        return found

    def put(self, text: str) -> None:
        """Let ``text`` stand there instead."""
        self.holder[self.key] = text


class Name(Place, frozen=True):
    """The name of a field, which somebody chose; what stands there under another name is lost."""

    @property
    def text(self) -> str:
        """The name."""
        return str(self.key)

    def put(self, text: str) -> None:
        """Let the field be called ``text``."""
        if isinstance(self.holder, dict) and text != self.key:
            fields = [(text if key == self.key else key, value) for key, value in self.holder.items()]
            self.holder.clear()
            self.holder.update(fields)


class UnreadableError(ValueError):
    """There are more texts than can be judged, or they stand too deep."""


def of_request(operation: Operation, body: Fields) -> list[Place]:
    """The texts of a request's body; names last.

    Raises:
        UnreadableError: there are too many.
    """
    finder = _Finder()
    for key in list(body):
        finder.name(body, key, Side.INPUT, key)
        messages = body[key]
        if key != "messages" or not isinstance(messages, list) or operation in _OF_PROMPTS:
            finder.look(Place(body, key, Side.INPUT, key), free=key in _FREE or key not in KNOWN)
            continue
        for number, message in enumerate(messages):
            finder.message(messages, number, _side_of(message), f"messages[{number}]")
    return finder.places


def of_message(message: Fields, side: Side, param: str) -> list[Place]:
    """The texts of a message, of a request or a reply; names last.

    Raises:
        UnreadableError: there are too many.
    """
    finder = _Finder()
    finder.message([message], 0, side, param)
    return finder.places


def has_tokens(operation: Operation, body: Fields) -> str | None:
    """Which field holds tokens in place of a text, which no guard can read."""
    for key in _OF_PROMPTS.get(operation, ()):
        value = body.get(key)
        if isinstance(value, list) and any(not isinstance(each, (str, dict)) for each in value):
            return key
    return None


class _Finder:
    """Goes through a body and notes its texts."""

    def __init__(self) -> None:
        self._texts: list[Place] = []
        self._names: list[Place] = []

    @property
    def places(self) -> list[Place]:
        return self._texts + self._names  # a name that changes must not take the place of its text away

    def message(self, holder: MutableSequence[Any], number: int, side: Side, param: str) -> None:
        message = holder[number]
        if not isinstance(message, dict):
            self.look(Place(holder, number, side, param))
            return
        for key in list(message):
            own = Side.TOOL_ARGUMENTS if key in _ARGUMENTS else side
            self.name(message, key, own, param)
            self.look(Place(message, key, own, f"{param}.{key}"), free=key in _FREE)

    def name(self, holder: Fields, key: str, side: Side, param: str) -> None:
        if key and not is_name(key):
            self._names.append(Name(holder, key, side, f"{param} (name)"))
            self._count()

    def look(self, place: Place, depth: int = 0, *, free: bool = False) -> None:
        value = place.holder[place.key]
        if isinstance(value, str):
            if value and (free or not isinstance(place.key, str) or not is_structure(place.key, value)):
                self._texts.append(place)
                self._count()
        elif depth > DEEPEST:
            raise UnreadableError
        elif isinstance(value, dict):
            for name in list(value):
                self.name(value, name, place.side, place.param)
                below = Place(value, name, place.side, f"{place.param}.{name}")
                self.look(below, depth + 1, free=free or name in _FREE)
        elif isinstance(value, list):
            for number, each in enumerate(value):
                below = Place(value, number, place.side, f"{place.param}[{_number(each, number)}]")
                self.look(below, depth + 1, free=free)

    def _count(self) -> None:
        if len(self._texts) + len(self._names) > MOST_TEXTS:
            raise UnreadableError


def _side_of(message: Any) -> Side:  # noqa: ANN401  # any JSON
    role = message.get("role") if isinstance(message, dict) else None
    return Side.TOOL_RESULTS if str(role) in _RESULTS else Side.INPUT


def _number(each: Any, position: int) -> int:  # noqa: ANN401  # any JSON
    """The number of an element: its own, by which clients put pieces together, or its position."""
    own = each.get("index") if isinstance(each, dict) else None
    return own if isinstance(own, int) else position
