"""A foreign YAML file as plain values, within bounds: aliases are followed, but may not make more of it than it is."""

from typing import Any, Final

import yaml

from forebay.settings.document import MAX_BYTES, MAX_NODES

MAX_DEPTH: Final = 14

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE: Final = "tag:yaml.org,2002:merge"
_COLLECTIONS: Final = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class ForeignError(Exception):
    """A file that cannot be read as what it should be; the message is for people."""


def read(text: str) -> dict[str, Any]:
    """The mapping that ``text`` means; keys are strings, values are strings, numbers, booleans, ``None``, or of those.

    Words mean what they do in YAML 1.1, as LiteLLM reads them: ``yes`` is true.

    Raises:
        ForeignError: it is no YAML, no mapping, or too much.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise ForeignError(f"is larger than {MAX_BYTES // 1024} KiB")
    try:
        _bound(text)
        root = yaml.compose(text, Loader=_LOADER)
        plain = None if root is None else _Plain().of(root, 1)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ForeignError(f"is not valid YAML: {line}{error.problem or 'it cannot be read'}") from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError):
        raise ForeignError("is not valid YAML") from None
    if plain is None or plain == {}:
        raise ForeignError("is empty; expected LiteLLM's 'model_list', 'litellm_settings' and so on")
    if not isinstance(plain, dict):
        raise ForeignError("is no mapping; expected LiteLLM's 'model_list', 'litellm_settings' and so on")
    return plain


def _bound(text: str) -> None:
    """Count before anything is built: PyYAML composes by recursion in C, which a deep file would overflow."""
    nodes = depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        nodes += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if nodes > 2 * MAX_NODES or depth > MAX_DEPTH:  # a key is a node, too
            raise _too_much()


def _too_much() -> ForeignError:
    return ForeignError(f"has more than {MAX_NODES} values, or more than {MAX_DEPTH} within each other")


class _Plain:
    """Counts what it makes, so that neither aliases nor merged mappings can expand without end."""

    def __init__(self) -> None:
        self._left = MAX_NODES
        self._scalars = yaml.constructor.SafeConstructor()

    def of(self, node: yaml.Node, depth: int) -> Any:  # noqa: ANN401  # whatever stood there
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise _too_much()
        if isinstance(node, yaml.ScalarNode):
            value = self._scalars.construct_object(node)
            return value if value is None or isinstance(value, (bool, int, float)) else _printable(str(value))
        if node.tag not in _COLLECTIONS:
            raise yaml.MarkedYAMLError(problem="a tag ('!name') is not supported here", problem_mark=node.start_mark)
        if isinstance(node, yaml.SequenceNode):
            return [self.of(each, depth + 1) for each in node.value]
        return self._mapping(node, depth)

    def _mapping(self, node: yaml.Node, depth: int) -> dict[str, Any]:
        """What is merged ('<<') counts less than what stands there, and its first mapping most."""
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    merged = {**self._merged(each, depth + 1), **merged}
            elif isinstance(key, yaml.ScalarNode):
                own[_printable(str(self._scalars.construct_object(key)))] = self.of(value, depth + 1)
            else:
                raise yaml.MarkedYAMLError(problem="a key is no plain value", problem_mark=key.start_mark)
        return {**merged, **own}

    def _merged(self, node: yaml.Node, depth: int) -> dict[str, Any]:
        found = self.of(node, depth)
        if isinstance(found, dict):
            return found
        raise yaml.MarkedYAMLError(problem="'<<' merges what is no mapping", problem_mark=node.start_mark)


def _printable(text: str) -> str:
    """Without what no YAML of ours may hold: control characters, and halves of characters."""
    return "".join(each for each in text if each.isprintable() or each in "\n\t")
