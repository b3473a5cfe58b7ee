"""Names the linear layers of a language model's graph, so that an adapter finds the ones that it changes.

A projection is a `MatMul` with weights; its friendly name is ``layers.0|q_proj:576|k_proj:192|v_proj:192``: the layer,
and each of Hugging Face's modules that it computes, with how many columns of its output are theirs. A graph that was
made by Hugging Face's exporter has other names, and gets these here.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

TARGETS: Final = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""All modules that an adapter may change."""

Module = tuple[int, str]
"""A layer's number and one of `TARGETS`."""

_NAME: Final = re.compile(r"layers\.(\d+)((?:\|[a-z]+_proj:\d+)+)", re.ASCII)
_EXPORTED: Final = re.compile(r"layers\.(\d+)\.(?:self_attn|mlp)\.([a-z]+_proj)(?:/|$)", re.ASCII)

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
    """All projections of ``model``, which gets their names if it has the exporter's; none if it has no names."""
    found = [*_named(model)]
    if not found:
        for node, (layer, target) in _exported(model).items():
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


def _inputs(node: Node) -> list[Node]:
    return [node.input_value(side).get_node() for side in range(node.get_input_size())]
