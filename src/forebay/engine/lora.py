"""Many LoRA adapters in one step: the branches that add what all of them change to a graph at once.

The matrices of all adapters in use stand side by side, each adapter having its own columns, so that two multiplications
serve everybody: in between, a mask leaves each token the columns of its own adapter. A branch belongs to a projection,
which may compute several modules: they share the first multiplication, and each has a second one of its own. The
matrices are inputs of the graph, so that an adapter can come and go without compiling anything. Tokens are multiplied
in two dimensions: in three, OpenVINO's kernel takes one of them at a time.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import openvino as ov
from openvino import opset13 as op

from forebay.engine.adapter import Adapter, Floats
from forebay.engine.projections import Part, Projection

_MASK: Final = "lora_mask"
_KEEP_STEPS: Final = 64  # For so long an adapter that nobody uses keeps its columns: packing them anew costs a step.


class _Span(NamedTuple):
    """Columns of a projection's output that the matrix of one module covers.

    They are its own, ``width`` of them from ``begin`` on, and those of neighbours that nobody changes: ``total``.
    """

    target: str
    begin: int
    width: int
    total: int


class _Branch(NamedTuple):
    """What is added to a projection: its name, its layer, the width of its input, and what the modules cover."""

    name: str
    layer: int
    inputs: int
    spans: tuple[_Span, ...]

    @property
    def down(self) -> str:
        """The name of its first input: all modules' matrices, side by side."""
        return f"{self.name}.lora_down"

    def up(self, span: _Span) -> str:
        """The name of its second input for one module."""
        return f"{self.name}.lora_up.{span.target}"


class Branches:
    """The branches of one graph, which change the modules ``targets``."""

    def __init__(self, model: Any, projections: Iterable[Projection], targets: frozenset[str]) -> None:  # noqa: ANN401
        """Add them to ``model``, which has not been compiled yet."""
        self.targets = targets
        self._branches = [
            _Branch(each.node.get_friendly_name(), each.layer, each.inputs, spans)
            for each in projections
            if (spans := _spans(each.parts, targets))
        ]
        nodes = {each.node.get_friendly_name(): each.node for each in projections}
        mask = _parameter(_MASK, [-1, -1])
        masks = {1: mask}
        parameters = [mask]
        for branch in self._branches:
            count = len(branch.spans)
            if count not in masks:
                masks[count] = op.concat([mask] * count, 1)
            parameters += _attach(nodes[branch.name], branch, masks[count])
        model.add_parameters(parameters)
        model.validate_nodes_and_infer_types()

    def stack(self, request: ov.InferRequest) -> "Stack":
        """The inputs of the branches, for ``request`` of the compiled model."""
        return Stack(request, self._branches)


class Stack:
    """The matrices of the adapters in use, side by side, as a request's inputs. Not for more than one thread."""

    def __init__(self, request: ov.InferRequest, branches: Sequence[_Branch]) -> None:
        self._request = request
        self._branches = branches
        self._columns: dict[Adapter, slice] = {}
        self._used: dict[Adapter, int] = {}
        self._step = 0
        self._memory: dict[str, Floats] = {}
        self._tensors: list[ov.Tensor] = []

    def put(self, tokens: Sequence[tuple[Adapter | None, int]]) -> None:
        """Set all inputs for a step: how many tokens of which adapter come, one after the other."""
        self._step += 1
        wanted = {adapter for adapter, _ in tokens if adapter is not None}
        self._used |= dict.fromkeys(wanted, self._step)
        recent = [adapter for adapter, step in self._used.items() if self._step - step < _KEEP_STEPS]
        if not wanted <= self._columns.keys() or len(recent) < len(self._columns):
            self._pack(recent)
        self._put_mask(tokens)

    def _put_mask(self, tokens: Sequence[tuple[Adapter | None, int]]) -> None:
        mask = np.zeros((sum(count for _, count in tokens), self._width), np.float32)
        begin = 0
        for adapter, count in tokens:
            if adapter is not None:
                mask[begin : begin + count, self._columns[adapter]] = 1.0
            begin += count
        self._request.set_tensor(_MASK, ov.Tensor(mask))

    @property
    def _width(self) -> int:
        return max((columns.stop for columns in self._columns.values()), default=0)

    def _pack(self, adapters: Sequence[Adapter]) -> None:
        self._used = {adapter: self._used[adapter] for adapter in adapters}
        self._columns = {}
        for adapter in adapters:
            begin = self._width
            self._columns[adapter] = slice(begin, begin + adapter.rank)
        tensors = []
        for branch in self._branches:
            down = self._zeros(branch.down, branch.inputs, len(branch.spans) * self._width)
            ups = {branch.up(span): self._zeros(branch.up(span), self._width, span.total) for span in branch.spans}
            for number, (span, up) in enumerate(zip(branch.spans, ups.values(), strict=True)):
                self._fill(branch.layer, span, down[:, number * self._width :], up)
            for name, matrix in {branch.down: down, **ups}.items():
                tensors.append(ov.Tensor(matrix, shared_memory=True))
                self._request.set_tensor(name, tensors[-1])
        self._tensors = tensors  # They, and through them the memory, must live as long as the request may read them.

    def _fill(self, layer: int, span: _Span, down: Floats, up: Floats) -> None:
        """Put all adapters' matrices for one module into their places."""
        for adapter, columns in self._columns.items():
            factors = adapter.factors.get((layer, span.target))
            if factors is not None:
                own = slice(columns.start, columns.start + factors.up.shape[0])
                down[:, own] = factors.down
                up[own, span.begin : span.begin + span.width] = factors.up

    def _zeros(self, name: str, rows: int, columns: int) -> Floats:
        """A matrix of zeros in memory that is used again and grows when it must."""
        size = rows * columns
        memory = self._memory.get(name)
        if memory is None or memory.size < size:
            memory = self._memory[name] = np.empty(size, np.float32)
        matrix = memory[:size].reshape(rows, columns)
        matrix[...] = 0.0
        return matrix


def _spans(parts: Sequence[Part], targets: frozenset[str]) -> tuple[_Span, ...]:
    """What the modules among ``parts`` that are ``targets`` cover; together it is the whole output."""
    spans: list[_Span] = []
    before = 0
    for part in parts:
        if part.target in targets:
            spans.append(_Span(part.target, before, part.width, before + part.width))
            before = 0
        elif spans:
            spans[-1] = spans[-1]._replace(total=spans[-1].total + part.width)
        else:
            before += part.width
    return tuple(spans)


def _attach(node: Any, branch: _Branch, mask: Any) -> list[Any]:  # noqa: ANN401 - OpenVINO has no types
    """Add a branch's output to that of ``node``; its new inputs."""
    down = _parameter(branch.down, [branch.inputs, -1])
    ups = [_parameter(branch.up(span), [-1, span.total]) for span in branch.spans]
    flat = op.reshape(node.input_value(0), op.constant(np.array([-1, branch.inputs], np.int64)), special_zero=False)
    thin = op.multiply(op.matmul(flat, down, transpose_a=False, transpose_b=False), mask)
    thins = op.split(thin, op.constant(np.int64(1)), len(ups)).outputs() if len(ups) > 1 else thin.outputs()
    changes = [op.matmul(own, up, transpose_a=False, transpose_b=False) for own, up in zip(thins, ups, strict=True)]
    change = op.concat(changes, 1) if len(changes) > 1 else changes[0]
    output = node.output(0)
    users = output.get_target_inputs()
    sides = len(output.get_partial_shape())
    shape = op.constant(np.array([-1] + [1] * (sides - 2) + [sum(span.total for span in branch.spans)], np.int64))
    changed = op.add(output, op.reshape(change, shape, special_zero=False) if sides > 2 else change)  # noqa: PLR2004
    for user in users:
        user.replace_source_output(changed.output(0))
    return [down, *ups]


def _parameter(name: str, shape: list[int]) -> Any:  # noqa: ANN401
    parameter = op.parameter(shape, np.float32, name=name)
    parameter.output(0).get_tensor().set_names({name})
    return parameter
