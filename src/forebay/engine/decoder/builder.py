"""Builds OpenVINO's graph of a decoder of Llama's family from its weights.

The graph keeps its cache inside, in the pattern that OpenVINO's `paged_attention_transformation` knows: for keys and
values of each layer a `ReadValue`, a `Gather` by ``beam_idx``, a `Concat` with what is new, an `Assign`. Inputs are
``input_ids`` [B, T], ``attention_mask`` [B, all], ``position_ids`` [B, T] and ``beam_idx`` [B], the output is
``logits`` [B, T, vocabulary].

Linear layers with the same input are one `MatMul`, because starting a kernel costs as much as a small matrix. Its name
says what it holds: ``layers.0|q_proj:576|k_proj:192|v_proj:192``, Hugging Face's modules and the length of the output
of each. Queries and keys are turned together for the same reason.

Source: Touvron et al., "Llama 2" (2023); Su et al., "RoFormer" (2021); Zhang and Sennrich, "Root Mean Square Layer
Normalization" (2019); Shazeer, "GLU Variants Improve Transformer" (2020).
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as op

from forebay.engine.decoder import codes
from forebay.engine.decoder.architecture import EMBEDDING, HEAD, LAYER, NORM, Weights
from forebay.engine.decoder.codes import Codes
from forebay.engine.errors import ConversionError

_HEADS, _SIZE = 1, 3  # The axes of heads and of their numbers: [B, heads, T, size].
_TO_HEADS: Final = (0, 2, 1, 3)
_END: Final = np.iinfo(np.int64).max


def build(weights: Weights) -> ov.Model:
    """The graph of the model that ``weights`` describe.

    Raises:
        ConversionError: a tensor is missing, has the wrong shape, or there are some that no such model has.
    """
    model = _Builder(weights).model()
    if unused := weights.unused():
        raise ConversionError(
            f"The weights hold {', '.join(unused[:3])}{' and more' if unused[3:] else ''}, which no "
            f"{weights.architecture.name} has that is supported."
        )
    return model


class _Inputs:
    """The inputs, and what all layers make of them in the same way."""

    def __init__(self, frequencies: npt.NDArray[np.float32]) -> None:
        self.ids = _input("input_ids", [-1, -1])
        self.mask = _input("attention_mask", [-1, -1])
        self.positions = _input("position_ids", [-1, -1])
        self.beams = _input("beam_idx", [-1], np.int32)
        self.batch = op.gather(op.shape_of(self.ids), _integers([0]), _integer(0))
        # [B, T, 1] times [1, 1, size / 2]; each angle serves a number of the first half and its partner in the second.
        angles = op.multiply(op.convert(op.unsqueeze(self.positions, _integer(2)), "f32"), op.constant(frequencies))
        angles = op.concat([angles, angles], -1)
        self.cos = op.unsqueeze(op.cos(angles), _integer(_HEADS))
        self.sin = op.unsqueeze(op.sin(angles), _integer(_HEADS))
        self.allowed = self._allowed()

    def _allowed(self) -> ov.Node:
        """Who may look at whom, [B, 1, T, all]: at what came before and is no padding."""
        every = op.squeeze(op.gather(op.shape_of(self.mask), _integers([1]), _integer(0)), _integer(0))
        new = op.squeeze(op.gather(op.shape_of(self.ids), _integers([1]), _integer(0)), _integer(0))
        keys = op.range(_integer(0), every, _integer(1), "i64")
        queries = op.range(op.subtract(every, new), every, _integer(1), "i64")
        before = op.less_equal(op.unsqueeze(keys, _integer(0)), op.unsqueeze(queries, _integer(1)))
        real = op.unsqueeze(op.not_equal(self.mask, _integer(0)), _integers([1, 2]))
        return op.logical_and(op.unsqueeze(before, _integers([0, 1])), real)

    @property
    def parameters(self) -> list[ov.Node]:
        """All inputs."""
        return [self.ids, self.mask, self.positions, self.beams]


class _Builder:
    """Puts the operations of one model together; each method returns the last node of its part."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._shape = weights.architecture
        self._inputs = _Inputs(self._shape.frequencies)
        self._kept: list[ov.Node] = []

    def model(self) -> ov.Model:
        embedding = codes.node(self._matrix(EMBEDDING))
        hidden = op.gather(embedding, op.convert(self._inputs.ids, "i32"), op.constant(np.int32(0)))
        for number in range(self._shape.layers):
            hidden = self._layer(hidden, LAYER.format(number))
        tied = not self._weights.has(f"{HEAD}.weight")
        head = embedding if tied else codes.node(self._matrix(HEAD))
        logits = op.matmul(self._norm(hidden, NORM), head, transpose_a=False, transpose_b=True)
        logits.set_friendly_name(HEAD)
        logits.output(0).set_names({"logits"})
        return ov.Model([op.result(logits)], self._kept, self._inputs.parameters, self._shape.name)

    def _matrix(self, name: str) -> Codes:
        """A matrix with a row for each token of the vocabulary."""
        matrix = self._weights.matrix(name)
        _check(name, matrix.shape, (matrix.shape[0], self._shape.hidden))
        return matrix

    def _layer(self, hidden: ov.Node, name: str) -> ov.Node:
        hidden = op.add(hidden, self._attention(self._norm(hidden, f"{name}.input_layernorm"), name))
        return op.add(hidden, self._feed_forward(self._norm(hidden, f"{name}.post_attention_layernorm"), name))

    def _attention(self, hidden: ov.Node, name: str) -> ov.Node:
        shape, part = self._shape, f"{name}.self_attn"
        heads = (shape.heads, shape.kv_heads, shape.kv_heads)
        outputs = [count * shape.head_size for count in heads]
        together = self._linear(hidden, name, "self_attn", ["q_proj", "k_proj", "v_proj"], outputs)
        each = op.reshape(together, _integers([0, 0, sum(heads), shape.head_size]), special_zero=True)
        turning, values = _split(op.transpose(each, _integers(_TO_HEADS)), [heads[0] + heads[1], heads[2]])
        if self._weights.has(f"{part}.q_norm.weight"):
            turning = self._norm_heads(turning, part)
        queries, keys = _split(self._turned(turning), heads[:2])
        looked = op.scaled_dot_product_attention(
            queries, self._cached(keys, f"{name}.key"), self._cached(values, f"{name}.value"), self._inputs.allowed
        )
        flat = op.reshape(op.transpose(looked, _integers(_TO_HEADS)), _integers([0, 0, outputs[0]]), special_zero=True)
        return self._linear(flat, name, "self_attn", ["o_proj"], [shape.hidden])

    def _turned(self, heads: ov.Node) -> ov.Node:
        """``heads`` with their positions in them: each half of a head turned against the other one."""
        half = self._shape.head_size // 2
        first = op.slice(heads, _integers([0]), _integers([half]), _integers([1]), _integers([_SIZE]))
        second = op.slice(heads, _integers([half]), _integers([_END]), _integers([1]), _integers([_SIZE]))
        crossed = op.concat([op.multiply(second, op.constant(np.float32(-1))), first], -1)
        return op.add(op.multiply(heads, self._inputs.cos), op.multiply(crossed, self._inputs.sin))

    def _cached(self, new: ov.Node, name: str) -> ov.Node:
        """All keys, or values, so far and now; one for each head that asks."""
        shape = self._shape
        kept = [-1, shape.kv_heads, -1, shape.head_size]
        start = _integers([shape.kv_heads]), _integers([0]), _integers([shape.head_size])
        empty = op.broadcast(op.constant(np.float32(0)), op.concat([self._inputs.batch, *start], 0))
        past = op.gather(op.read_value(empty, name, ov.Type.f32, kept), self._inputs.beams, _integer(0))
        everything = op.concat([past, new], 2)
        self._kept.append(op.assign(everything, name))
        if shape.kv_heads == shape.heads:
            return everything
        sides = [shape.kv_heads, shape.heads // shape.kv_heads, 1, shape.head_size]
        copies = op.concat([self._inputs.batch, *(_integers([side]) for side in sides)], 0)
        shared = op.broadcast(op.unsqueeze(everything, _integer(2)), copies, broadcast_spec="BIDIRECTIONAL")
        return op.reshape(shared, _integers([0, shape.heads, -1, shape.head_size]), special_zero=True)

    def _feed_forward(self, hidden: ov.Node, name: str) -> ov.Node:
        inner = self._shape.inner
        together = self._linear(hidden, name, "mlp", ["gate_proj", "up_proj"], [inner, inner])
        gate, up = op.variadic_split(together, _integer(-1), _integers([inner, inner])).outputs()
        return self._linear(op.multiply(op.swish(gate), up), name, "mlp", ["down_proj"], [self._shape.hidden])

    def _linear(self, value: ov.Node, layer: str, part: str, names: Sequence[str], outputs: Sequence[int]) -> ov.Node:
        """The linear layers ``names`` of ``part``, as one; their outputs follow each other."""
        modules = [f"{layer}.{part}.{name}" for name in names]
        matrices = [self._weights.matrix(module) for module in modules]
        inputs = value.get_output_partial_shape(0)[-1].get_length()
        for module, matrix, length in zip(modules, matrices, outputs, strict=True):
            _check(module, matrix.shape, (length, inputs))
        product = op.matmul(value, codes.node(codes.joined(matrices)), transpose_a=False, transpose_b=True)
        sizes = (f"{name}:{length}" for name, length in zip(names, outputs, strict=True))
        product.set_friendly_name("|".join([layer, *sizes]))
        if not any(self._weights.has(f"{module}.bias") for module in modules):
            return product
        biases = [self._bias(module, length) for module, length in zip(modules, outputs, strict=True)]
        return op.add(product, op.constant(np.concatenate(biases)))

    def _bias(self, module: str, length: int) -> npt.NDArray[np.float32]:
        name = f"{module}.bias"
        return self._vector(name, length) if self._weights.has(name) else np.zeros(length, np.float32)

    def _norm(self, value: ov.Node, name: str) -> ov.Node:
        return self._scaled_norm(value, self._vector(f"{name}.weight", self._shape.hidden))

    def _norm_heads(self, heads: ov.Node, name: str) -> ov.Node:
        """Queries and keys, each head by itself (Qwen3)."""
        shape = self._shape
        parts = zip(_split(heads, [shape.heads, shape.kv_heads]), ("q_norm", "k_norm"), strict=True)
        return op.concat(
            [self._scaled_norm(part, self._vector(f"{name}.{norm}.weight", shape.head_size)) for part, norm in parts],
            _HEADS,
        )

    def _scaled_norm(self, value: ov.Node, scale: npt.NDArray[np.float32]) -> ov.Node:
        squares = op.reduce_mean(op.power(value, op.constant(np.float32(2))), _integers([-1]), keep_dims=True)
        root = op.sqrt(op.add(squares, op.constant(np.float32(self._shape.epsilon))))
        return op.multiply(op.multiply(value, op.divide(op.constant(np.float32(1)), root)), op.constant(scale))

    def _vector(self, name: str, length: int) -> npt.NDArray[np.float32]:
        vector = self._weights.vector(name)
        _check(name, vector.shape, (length,))
        return vector


def _check(name: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if found != wanted:
        raise ConversionError(f"The tensor '{name}' has the shape {found} and not {wanted}.")


def _split(value: ov.Node, lengths: Sequence[int]) -> list[Any]:
    outputs: list[Any] = op.variadic_split(value, _integer(_HEADS), _integers(lengths)).outputs()
    return outputs


def _input(name: str, shape: list[int], kind: npt.DTypeLike = np.int64) -> ov.Node:
    parameter = op.parameter(shape, kind, name=name)
    parameter.output(0).set_names({name})
    return parameter


def _integers(values: Sequence[int]) -> ov.Node:
    return op.constant(np.array(values, np.int64))


def _integer(value: int) -> ov.Node:
    return op.constant(np.int64(value))
