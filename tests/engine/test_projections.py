"""Every kind of graph gets the same names for its projections."""

from pathlib import Path

import openvino as ov
import pytest

from forebay.engine import projections
from forebay.engine.graph import PagedGraph
from forebay.engine.projections import TARGETS
from tests.support import lora

pytestmark = pytest.mark.engine


def paged(folder: Path) -> ov.Model:
    """The graph as the engine has it."""
    model = ov.Core().read_model(folder / "openvino_model.xml")
    from forebay.engine import graph  # noqa: PLC0415

    graph._make_paged(model)
    return model


def test_a_graph_read_from_a_gguf_is_known_by_how_it_is_knit(tiny_llama: Path) -> None:
    assert PagedGraph(tiny_llama, kv_cache=2**20).modules == lora.TINY


def test_the_default_model_has_all_its_modules(smollm2: Path) -> None:
    found = projections.find(paged(smollm2))
    assert dict(module for each in found for module in each.modules()) == lora.SMOLLM2
    assert {each.layer for each in found} == {*range(30)}


def test_names_that_are_there_already_are_read(tiny_llama: Path) -> None:
    model = paged(tiny_llama)
    projections.find(model)
    again = projections.find(model)
    names = sorted(name for each in again for name in each.node.get_friendly_name().split("|")[1:])
    assert names == sorted(f"{target}:{lora.TINY[0, target][1]}" for target in TARGETS)


def test_one_projection_may_compute_several_modules(tiny_llama: Path) -> None:
    model = paged(tiny_llama)
    first = next(each for each in projections.find(model) if each.parts[0].target == "up_proj")
    first.node.set_friendly_name("layers.7|gate_proj:96|up_proj:32")
    found = next(each for each in projections.find(model) if each.layer == 7)
    assert dict(found.modules()) == {(7, "gate_proj"): (64, 96), (7, "up_proj"): (64, 32)}


def test_names_of_the_exporter_are_understood(tiny_llama: Path) -> None:
    model = paged(tiny_llama)
    for each in projections.find(model):
        ((_, target), _), *_ = each.modules()
        where = "mlp" if target in lora.MLP else "self_attn"
        each.node.set_friendly_name(f"__module.model.layers.0.{where}.{target}/ov_ext::linear/MatMul")
    found = projections.find(model)
    assert dict(module for each in found for module in each.modules()) == lora.TINY


def test_a_graph_of_another_kind_has_none(tiny_bert: Path) -> None:
    assert projections.find(ov.Core().read_model(tiny_bert / "openvino_model.xml")) == []
