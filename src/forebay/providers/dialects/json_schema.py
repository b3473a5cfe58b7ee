"""JSON Schemas for vendors that know no references: each ``$ref`` into the schema itself becomes what it names.

Source: JSON Schema 2020-12, section 8.2; RFC 6901 (JSON Pointer).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from forebay.core.errors import InvalidRequestError
from forebay.providers.dialects.chat import Schema

MOST_NODES = 20_000
DEEPEST = 64
_LITERAL = frozenset({"enum", "const", "default", "examples", "example"})
_DEFINITIONS = frozenset({"$defs", "definitions"})


def inlined(schema: Schema, param: str) -> Any:  # noqa: ANN401  # any JSON
    """``schema`` without references; where it contains itself, that is left open.

    Raises:
        InvalidRequestError: it grows beyond all bounds, or names something outside of it.
    """
    root = msgspec.json.decode(msgspec.json.encode(schema))
    return _Inliner(root, param).inlined(root, ())


class _Inliner:
    def __init__(self, root: Any, param: str) -> None:  # noqa: ANN401
        self._root = root
        self._param = param
        self._left = MOST_NODES

    def inlined(self, node: Any, within: tuple[str, ...]) -> Any:  # noqa: ANN401
        self._left -= 1
        if self._left < 0 or len(within) > DEEPEST:
            raise InvalidRequestError("A JSON Schema is too large with its references resolved.", param=self._param)
        if isinstance(node, list):
            return [self.inlined(each, within) for each in node]
        if not isinstance(node, dict):
            return node
        if isinstance(reference := node.get("$ref"), str):
            return self._resolved(node, reference, within)
        return {
            name: each if name in _LITERAL else self.inlined(each, within)
            for name, each in node.items()
            if name not in _DEFINITIONS
        }

    def _resolved(self, node: Mapping[str, Any], reference: str, within: tuple[str, ...]) -> Any:  # noqa: ANN401
        beside = {name: each for name, each in node.items() if name != "$ref"}
        if reference in within:
            return self.inlined(beside, within)
        named = self._named(reference)
        if not isinstance(named, dict):
            return self.inlined(beside, within)
        return self.inlined({**named, **beside}, (*within, reference))

    def _named(self, reference: str) -> Any:  # noqa: ANN401
        node = self._root
        start, *steps = reference.split("/")
        for step in steps:
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or name not in node:
                start = ""
                break
            node = node[name]
        if start != "#":
            raise InvalidRequestError(
                f"A JSON Schema refers to '{reference[:80]}', which is not in it.", param=self._param
            )
        return node
