"""Matrices of small whole numbers: the one form of weights that OpenVINO's kernels are fast with and that loses little.

A row is cut into groups of 32 weights, each weight is a code of 4 or 8 bits times the scale of its group. There are no
zero points: a kernel without them is up to a fifth faster, and symmetric codes of 8 bits hold every format of GGUF to
within 1/254 of a group's largest weight. Q4_0 and Q8_0 are this form already, so they are kept bit by bit.

OpenVINO multiplies such matrices with activations that it rounds to 8 bits for each 32 of them, which is why groups of
32 are the fast ones (``DYNAMIC_QUANTIZATION_GROUP_SIZE``).
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as op

GROUP: Final = 32
_LARGEST: Final = 127

Floats = npt.NDArray[np.float32]


class Codes(NamedTuple):
    """A matrix: ``codes`` [rows, groups, weights] of ``bits`` bits, ``scales`` [rows, groups, 1]."""

    codes: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float16]
    bits: Literal[4, 8] = 8

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns: outputs and inputs."""
        rows, groups, size = self.codes.shape
        return rows, groups * size

    def values(self) -> Floats:
        """The matrix that the codes stand for."""
        return np.multiply(self.codes, self.scales, dtype=np.float32).reshape(self.shape)

    def reordered(self, order: npt.NDArray[np.intp]) -> "Codes":
        """The rows in another order."""
        return Codes(self.codes[order], self.scales[order], self.bits)


def quantised(values: Floats) -> Codes:
    """``values`` [rows, columns] as codes of 8 bits, each the nearest; a row that cannot be cut is one group."""
    rows, columns = values.shape
    groups = values.reshape(rows, -1, columns if columns % GROUP else GROUP)
    scales = (np.abs(groups).max(axis=-1, keepdims=True) / _LARGEST).astype(np.float16)
    exact = scales.astype(np.float32)
    codes = np.divide(groups, exact, out=np.zeros_like(groups), where=exact != 0)
    return Codes(np.clip(np.rint(codes), -_LARGEST, _LARGEST).astype(np.int8), scales)


def joined(matrices: Sequence[Codes]) -> Codes:
    """The rows of all ``matrices``, which have the same columns, one below the other; of the most bits among them."""
    if len(matrices) == 1:
        return matrices[0]
    return Codes(
        np.concatenate([matrix.codes for matrix in matrices]),
        np.concatenate([matrix.scales for matrix in matrices]),
        max((matrix.bits for matrix in matrices), key=int),
    )


def node(matrix: Codes) -> ov.Node:
    """``matrix`` in the form that OpenVINO does not unfold: floats of 32 bits, [rows, columns]."""
    codes = op.convert(_constant(matrix), "f16")
    scaled = op.multiply(codes, op.constant(matrix.scales))
    whole = op.reshape(scaled, op.constant(np.array(matrix.shape, np.int64)), special_zero=False)
    return op.convert(whole, "f32")


def _constant(matrix: Codes) -> ov.Node:
    if matrix.bits == 8:  # noqa: PLR2004 - its own value
        return op.constant(matrix.codes)
    tensor = ov.Tensor(ov.Type.i4, ov.Shape(list(matrix.codes.shape)))
    pairs = matrix.codes.reshape(-1, 2).view(np.uint8) & 15
    tensor.data[...] = (pairs[:, 0] | (pairs[:, 1] << 4)).view(tensor.data.dtype).reshape(tensor.data.shape)
    return op.constant(tensor)
