"""Gives back to Q4_1 weights what OpenVINO's GGUF reader takes from them.

A block of Q4_1 is 32 codes of 4 bits, a step and a minimum: ``weight = step * code + minimum``. OpenVINO's reader
writes ``step * (code - zero)`` with a zero point of 4 bits, rounded: up to half a step of error in every weight of a
block, which raises the perplexity of SmolLM2-135M by a third. Here codes and zero points become 8 bits, sixteen times
as fine, and the minimum is kept to a thirty-second of a step.

Rows are found by their codes, because the reader reorders those of queries and keys.

Source: ``block_q4_1`` in ggml; OpenVINO's compressed weights, ``Multiply(Subtract(Convert, Convert), scale)``.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as op

from forebay.engine import gguf
from forebay.engine.errors import ConversionError

_CODES: Final = 32  # in a block
_BYTES: Final = 20  # of a block
_FINER: Final = 16
_LARGEST: Final = 255

Row = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""Of each block of a row: its step, and its zero point in steps."""


def mend(source: Path, model: Path) -> None:
    """Write ``model``, which OpenVINO made of the GGUF file ``source``, anew if there is anything to mend.

    Raises:
        ConversionError: a weight of the model is not one of the file's.
    """
    rows = _rows(source)
    if not rows:
        return
    graph = ov.Core().read_model(model)
    for subtract in _weights(graph):
        _mend(subtract, rows)
    mended = model.with_name(f"mended-{model.name}")
    ov.save_model(graph, mended, compress_to_fp16=False)
    del graph  # it may still read the old weights from the file
    for suffix in (".xml", ".bin"):
        mended.with_suffix(suffix).replace(model.with_suffix(suffix))


def _rows(source: Path) -> dict[bytes, list[Row]]:
    """All rows of Q4_1 weights by their codes, packed as OpenVINO packs them: two in a byte, the first one low."""
    found: dict[bytes, list[Row]] = {}
    data = np.memmap(source, mode="r")
    for tensor in gguf.tensors(source):
        if tensor.kind == gguf.Q4_1:
            width = tensor.shape[0] // _CODES
            blocks = data[tensor.start : tensor.start + tensor.size].reshape(-1, width, _BYTES)
            for codes, row in _split(blocks):
                found.setdefault(codes, []).append(row)
    return found


def _split(blocks: npt.NDArray[np.uint8]) -> Iterator[tuple[bytes, Row]]:
    """The packed codes of each row of ``blocks``, [rows, blocks, bytes], with steps and zero points."""
    numbers = np.ascontiguousarray(blocks[..., :4]).view("<f2").astype(np.float32)
    steps, minima = numbers[..., 0], numbers[..., 1]
    zeros = np.divide(-minima, steps, out=np.zeros_like(steps), where=steps != 0)
    pairs = blocks[..., 4:]
    codes = np.concatenate([pairs & 15, pairs >> 4], axis=-1)
    packed = codes[..., 0::2] | (codes[..., 1::2] << 4)
    for row, step, zero in zip(packed, steps, zeros, strict=True):
        yield row.tobytes(), (step, zero)


def _weights(graph: Any) -> Iterator[Any]:  # noqa: ANN401 - OpenVINO has no types
    """The subtractions of 4-bit zero points from 4-bit codes."""
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "Subtract":
            codes = node.input_value(0).get_node()
            if codes.get_type_name() == "Convert" and codes.input(0).get_element_type() == ov.Type.u4:
                yield node


def _mend(subtract: Any, rows: Mapping[bytes, list[Row]]) -> None:  # noqa: ANN401
    codes, zeros = (subtract.input_value(side).get_node() for side in (0, 1))
    (user,) = subtract.output(0).get_target_inputs()
    scale = user.get_node().input_value(1).get_node()
    steps = scale.data.astype(np.float32)[..., 0]
    shape = list(codes.get_output_shape(0))
    packed = codes.input_value(0).get_node().data.reshape(shape[0], -1)
    wanted = np.stack([_zeros(row, step, rows) for row, step in zip(packed, steps, strict=True)])
    finer = np.rint(wanted * _FINER)
    if finer.min() < 0 or finer.max() > _LARGEST:  # a block whose weights are all of one sign: slower, but exact
        subtract.input(1).replace_source_output(_constant(wanted[..., None].astype(np.float16)))
        return
    unpacked = np.stack([packed & 15, packed >> 4], axis=-1).reshape(shape) * np.uint8(_FINER)
    codes.input(0).replace_source_output(_constant(unpacked))
    zeros.input(0).replace_source_output(_constant(finer[..., None].astype(np.uint8)))
    user.get_node().input(1).replace_source_output(_constant((steps / _FINER)[..., None].astype(np.float16)))


def _zeros(packed: npt.NDArray[np.uint8], steps: npt.NDArray[np.float32], rows: Mapping[bytes, list[Row]]) -> Any:  # noqa: ANN401
    """The zero points of a row: among rows with the same codes, of the one with the same steps."""
    candidates = rows.get(packed.tobytes())
    if not candidates:
        raise ConversionError("OpenVINO wrote weights that are not in the file; convert it to Q4_0 or Q8_0 instead.")
    return min(candidates, key=lambda row: float(np.abs(row[0] - steps).max()))[1]


def _constant(values: npt.NDArray[Any]) -> Any:  # noqa: ANN401
    return op.constant(np.ascontiguousarray(values)).output(0)
