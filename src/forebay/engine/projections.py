"""Names the linear layers of a language model's graph, so that an adapter finds the ones that it changes.

A projection is a `MatMul` with weights; its friendly name is ``layers.0|q_proj:576|k_proj:192|v_proj:192``: the layer,
and each of Hugging Face's modules that it computes, with how many columns of its output are theirs. A graph that comes
without such names gets them here: from the names that Hugging Face's exporter gave, or from how the graph is knit.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

TARGETS: Final = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""All modules that an adapter may change."""

Module = tuple[int, str]
"""A layer's number and one of `TARGETS`."""

_NAME: Final = re.compile(r"layers\.(\d+)((?:\|[a-z]+_proj:\d+)+)", re.ASCII)
_EXPORTED: Final = re.compile(r"layers\.(\d+)\.(?:self_attn|mlp)\.([a-z]+_proj)(?:/|$)", re.ASCII)
_ACTIVATIONS: Final = ("Swish", "Sigmoid", "Gelu")
_MLP: Final = 3  # gate, up and down

Node = Any  # OpenVINO has no types


class Part(NamedTuple):
    """One module of a projection and the width of its output."""

    target: str
    width: int


class Projection(NamedTuple):
    """A named `MatMul`: its layer, the modules that it computes side by side, and the width of its input."""

    layer: int
    parts: tuple[Part, ...]
    inputs: int
    node: Node

    def modules(self) -> Iterator[tuple[Module, tuple[int, int]]]:
        """Each module that it computes, with the widths of its input and its output."""
        for part in self.parts:
            yield (self.layer, part.target), (self.inputs, part.width)


def find(model: Any) -> list[Projection]:  # noqa: ANN401 - OpenVINO has no types
    """All projections of ``model``, which gets their names if it lacks them; none if its kind is not known."""
    found = [*_named(model)]
    if not found:
        for node, (layer, target) in (_exported(model) or _knit(model)).items():
            node.set_friendly_name(f"layers.{layer}|{target}:{_widths(node)[1]}")
        found = [*_named(model)]
    return found


def _named(model: Any) -> Iterator[Projection]:  # noqa: ANN401
    for node in _weighted(model):
        match = _NAME.fullmatch(node.get_friendly_name())
        if match:
            fields = (field.split(":") for field in match[2].split("|")[1:])
            parts = tuple(Part(target, int(width)) for target, width in fields)
            yield Projection(int(match[1]), parts, _widths(node)[0], node)


def _exported(model: Any) -> dict[Node, Module]:  # noqa: ANN401
    matches = ((node, _EXPORTED.search(node.get_friendly_name())) for node in _weighted(model))
    return {node: (int(match[1]), match[2]) for node, match in matches if match and match[2] in TARGETS}


def _knit(model: Any) -> dict[Node, Module]:  # noqa: ANN401
    """The projections of a decoder with gated MLPs, told by what they are connected to; nothing if it is another kind.

    Queries, keys and values are what each attention is computed from, and its output goes into ``o_proj``. Of what is
    left, and is not the projection to the vocabulary, each layer has three, and ``down_proj`` is the last of them.
    """
    weighted = [*_weighted(model)]
    names = {node.get_friendly_name() for node in weighted}
    found: dict[str, Module] = {}
    attentions = [node for node in model.get_ordered_ops() if node.get_type_name() == "PagedAttentionExtension"]
    for layer, attention in enumerate(attentions):
        for side, target in enumerate(TARGETS[:3]):
            sources = _sources(attention.input_value(side).get_node(), names)
            if len(sources) != 1:
                return {}
            found[sources.pop()] = layer, target
    for layer, attention in enumerate(attentions):
        output = _follower(attention, names)
        if output is None or output in found:
            return {}
        found[output] = layer, "o_proj"
    rest = [node for node in weighted if node.get_friendly_name() not in found][:-1]
    if not attentions or len(rest) != _MLP * len(attentions):
        return {}
    for number, node in enumerate(rest):
        layer, place = divmod(number, _MLP)
        target = "down_proj" if place == _MLP - 1 else "gate_proj" if _is_activated(node) else "up_proj"
        found[node.get_friendly_name()] = layer, target
    by_name = {node.get_friendly_name(): node for node in weighted}
    placed = {by_name[name]: module for name, module in found.items()}
    return placed if _fits(placed) else {}


def _fits(placed: Mapping[Node, Module]) -> bool:
    """Whether there is each module once in each layer, and one's output is as wide as the next one's input."""
    widths = {module: _widths(node) for node, module in placed.items()}
    layers = 1 + max(layer for layer, _ in widths)
    if len(widths) != layers * len(TARGETS) or len(placed) != len(widths):
        return False
    for layer in range(layers):
        q, k, v, o, gate, up, down = (widths[layer, target] for target in TARGETS)
        if len({q[0], k[0], v[0], o[1], gate[0], up[0], down[1]}) > 1:
            return False
        if k != v or o[0] != q[1] or gate != up or down[0] != gate[1]:
            return False
    return True


def _weighted(model: Any) -> list[Node]:  # noqa: ANN401
    """The multiplications by constant weights, in the order in which they are computed."""
    multiplications = (node for node in model.get_ordered_ops() if node.get_type_name() == "MatMul")
    return [node for node in multiplications if _is_constant(node.input_value(1))]


def _is_constant(output: Any) -> bool:  # noqa: ANN401
    waiting = [output.get_node()]
    while waiting:
        node = waiting.pop()
        if not node.get_input_size() and node.get_type_name() != "Constant":
            return False
        waiting += _inputs(node)
    return True


def _widths(node: Node) -> tuple[int, int]:
    """The widths of a projection's input and output."""
    rows, columns = (side.get_length() for side in node.input(1).get_partial_shape())
    return (columns, rows) if node.get_attributes()["transpose_b"] else (rows, columns)


def _sources(node: Node, names: Iterable[str]) -> set[str]:
    """Which of ``names`` ``node`` is computed from, with none of them in between."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        name = waiting[-1].get_friendly_name()
        here = waiting.pop()
        if name in names:
            found.add(name)
        elif name not in seen:
            seen.add(name)
            waiting += _inputs(here)
    return found


def _follower(node: Node, names: Iterable[str]) -> str | None:
    """Which of ``names`` is the only one to be computed from ``node`` with none in between."""
    while True:
        users = [each.get_node() for output in node.outputs() for each in output.get_target_inputs()]
        users = [each for each in users if each.get_type_name() != "ShapeOf"]
        if len(users) != 1:
            return None
        node = users[0]
        if node.get_friendly_name() in names:
            name: str = node.get_friendly_name()
            return name


def _is_activated(node: Node) -> bool:
    return any(each.get_node().get_type_name() in _ACTIVATIONS for each in node.output(0).get_target_inputs())


def _inputs(node: Node) -> list[Node]:
    return [node.input_value(side).get_node() for side in range(node.get_input_size())]
