"""What OpenVINO computes with is what stands in the file, also for Q4_1."""

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from numpy.typing import NDArray

from forebay.engine import convert, gguf, q4_1
from forebay.engine.errors import ConversionError
from tests.support import tiny

pytestmark = pytest.mark.engine


def weights_of(model: Path) -> list[NDArray[np.float32]]:
    """Every compressed weight of a model as the numbers it stands for, [rows, columns]."""
    found = []
    for node in ov.Core().read_model(model).get_ordered_ops():
        if node.get_type_name() == "Subtract" and node.input_value(0).get_node().get_type_name() == "Convert":
            codes, zeros = (_constant(node.input_value(side).get_node()) for side in (0, 1))
            (user,) = node.output(0).get_target_inputs()
            scale = user.get_node().input_value(1).get_node().data.astype(np.float32)
            found.append(((codes - zeros) * scale).reshape(codes.shape[0], -1))
    return found


def _constant(node: Any) -> NDArray[np.float32]:
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    values: NDArray[np.float32] = node.data.astype(np.float32)
    return values


def distance(rows: NDArray[Any], others: NDArray[Any]) -> float:
    """How far the worst of ``rows`` is from its nearest among ``others``: their order does not matter."""
    apart = np.abs(rows[:, None, :] - others[None, :, :]).max(axis=-1)
    return float(apart.min(axis=1).max())


def test_every_weight_is_what_the_file_says(tmp_path: Path) -> None:
    source = tmp_path / "tiny.gguf"
    source.write_bytes(tiny.llama_q4_1())
    (tmp_path / "out").mkdir()
    convert.run(source, tmp_path / "out", lambda *_: None)
    data = source.read_bytes()
    expected = {}
    for tensor in gguf.tensors(source):
        if tensor.kind == gguf.Q4_1:
            blocks = data[tensor.start : tensor.start + tensor.size]
            expected[tensor.name] = tiny.dequantised(blocks, tensor.shape[::-1])
    found = weights_of(tmp_path / "out" / convert.MODEL)
    assert len(expected) == 7
    steps = 0.6 / 15  # the weights' spread is about 0.6
    for name, weights in expected.items():
        same = [each for each in found if each.shape == weights.shape]
        error = min(distance(weights, each) for each in same)
        assert error < steps / 16, name


def test_a_model_of_another_file_is_refused(tmp_path: Path) -> None:
    source, other = tmp_path / "a.gguf", tmp_path / "b.gguf"
    source.write_bytes(tiny.llama_q4_1())
    (tmp_path / "out").mkdir()
    convert.run(source, tmp_path / "out", lambda *_: None)
    with_other_weights = {"w": tiny.Quantised(np.random.default_rng(1).normal(0, 1, (4, 64)))}
    other.write_bytes(tiny.gguf(tiny.llama_fields(), with_other_weights))
    model = tmp_path / "again" / convert.MODEL
    model.parent.mkdir()
    import openvino_genai  # noqa: PLC0415

    (model.parent / "m.gguf").write_bytes(source.read_bytes())
    openvino_genai.LLMPipeline(str(model.parent / "m.gguf"), "CPU", enable_save_ov_model=True)
    with pytest.raises(ConversionError, match="not in the file"):
        q4_1.mend(other, model)
