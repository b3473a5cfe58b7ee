"""The projections of a graph are known by their names, ours or those of Hugging Face's exporter."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op

from forebay.engine import projections
from forebay.engine.graph import PagedGraph
from forebay.engine.openvino_core import core
from tests.support import lora

pytestmark = pytest.mark.engine


def graph(names: list[str], *, transposed: bool = True) -> ov.Model:
    """A graph with a projection from 4 to 6 numbers for each of ``names``."""
    hidden = op.parameter([-1, 4], np.float32)
    results = []
    for name in names:
        weights = op.constant(np.ones((6, 4) if transposed else (4, 6), np.float32))
        node = op.matmul(hidden, weights, transpose_a=False, transpose_b=transposed)
        node.set_friendly_name(name)
        results.append(op.result(node))
    return ov.Model(results, [hidden])


def modules(model: ov.Model) -> dict[projections.Module, tuple[int, int]]:
    """All modules and their widths."""
    return dict(module for each in projections.find(model) for module in each.modules())


def test_our_graphs_say_what_they_compute(tiny_llama: Path, smollm2: Path) -> None:
    assert PagedGraph(tiny_llama, kv_cache=2**20).modules == lora.TINY
    assert PagedGraph(smollm2, kv_cache=2**24).modules == lora.SMOLLM2


@pytest.mark.parametrize("transposed", [True, False])
def test_one_projection_may_compute_several_modules(*, transposed: bool) -> None:
    model = graph(["layers.7|gate_proj:5|up_proj:1", "layers.12|o_proj:6"], transposed=transposed)
    assert modules(model) == {(7, "gate_proj"): (4, 5), (7, "up_proj"): (4, 1), (12, "o_proj"): (4, 6)}


def test_names_of_the_exporter_are_understood() -> None:
    linear = "ov_ext::linear/MatMul"
    model = graph(
        [
            f"__module.model.layers.3.self_attn.q_proj/{linear}",
            f"__module.model.layers.11.mlp.down_proj/{linear}",
            f"__module.lm_head/{linear}",
        ]
    )
    assert modules(model) == {(3, "q_proj"): (4, 6), (11, "down_proj"): (4, 6)}
    assert modules(model) == {(3, "q_proj"): (4, 6), (11, "down_proj"): (4, 6)}


def test_a_graph_without_names_has_none(tiny_bert: Path) -> None:
    assert projections.find(core().read_model(tiny_bert / "openvino_model.xml")) == []
    assert projections.find(graph(["MatMul_46", "layers.1|q_proj", "layers.x|q_proj:6"])) == []


def test_a_product_of_two_values_is_no_projection() -> None:
    one, other = op.parameter([-1, 4], np.float32), op.parameter([6, 4], np.float32)
    node = op.matmul(one, other, transpose_a=False, transpose_b=True)
    node.set_friendly_name("layers.0|q_proj:6")
    assert projections.find(ov.Model([op.result(node)], [one, other])) == []
