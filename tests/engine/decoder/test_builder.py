"""The graph against numpy: every family computes what it is, paged and unpaged, and its projections can be found."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from numpy.typing import NDArray

from forebay.engine import gguf
from forebay.engine.decoder import builder, codes
from forebay.engine.decoder.architecture import Weights
from forebay.engine.decoder.folder_weights import FolderWeights
from forebay.engine.decoder.gguf_weights import GgufWeights
from forebay.engine.errors import ConversionError
from forebay.engine.openvino_core import core
from tests.support import decoders, tiny
from tests.support.decoders import Plain

pytestmark = pytest.mark.engine

TOKENS = [*range(3, 40), 5, 5, 250, 0]
EXACT = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0", "KV_CACHE_PRECISION": "f32"}


def rounded(weights: decoders.Weights) -> decoders.Weights:
    """What of ``weights`` is left in 8 bits."""
    return {name: codes.quantised(each).values() if each.ndim > 1 else each for name, each in weights.items()}


def computed(weights: Weights, pieces: list[list[int]]) -> NDArray[np.float32]:
    """The logits of all tokens, of one piece after the other."""
    request = core().compile_model(builder.build(weights), "CPU", EXACT).create_infer_request()
    found, past = [], 0
    for piece in pieces:
        end = past + len(piece)
        inputs: dict[str, NDArray[Any]] = {
            "input_ids": np.array([piece]),
            "attention_mask": np.ones((1, end), np.int64),
            "position_ids": np.arange(past, end)[None],
            "beam_idx": np.zeros(1, np.int32),
        }
        request.infer(inputs)
        found.append(request.get_tensor("logits").data[0].copy())
        past = end
    return np.concatenate(found)


@pytest.mark.parametrize("kind", decoders.KINDS)
def test_a_folder_computes_what_it_is(tmp_path: Path, kind: str) -> None:
    weights = FolderWeights(decoders.folder(tmp_path, kind))
    config = decoders.config(kind)
    expected = Plain(config, rounded(decoders.weights(config))).logits(TOKENS)
    np.testing.assert_allclose(computed(weights, [TOKENS]), expected, rtol=1e-4, atol=1e-3)


def test_a_text_in_pieces_is_the_text(tmp_path: Path) -> None:
    weights = decoders.folder(tmp_path)
    whole = computed(FolderWeights(weights), [TOKENS])
    pieces = computed(FolderWeights(weights), [TOKENS[:7], TOKENS[7:8], TOKENS[8:]])
    np.testing.assert_allclose(pieces, whole, rtol=1e-4, atol=1e-3)


GGML = {
    "embed_tokens": "token_embd", "norm": "output_norm", "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q",
    "post_attention_layernorm": "ffn_norm", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "lm_head": "output",
}  # fmt: skip


def ggml_name(name: str) -> str:
    found = re.fullmatch(r"(?:model\.)?(?:layers\.(\d+)\.)?(.+)\.(weight|bias)", name)
    assert found
    layer, module, last = found.groups()
    return f"{f'blk.{layer}.' if layer else ''}{GGML[module]}.{last}"


def as_gguf(config: dict[str, Any], weights: decoders.Weights) -> bytes:
    """The same model as a GGUF file, in which llama's queries and keys have partners side by side."""
    name = config["model_type"]
    fields = {
        "general.architecture": name,
        f"{name}.block_count": config["num_hidden_layers"],
        f"{name}.context_length": config["max_position_embeddings"],
        f"{name}.embedding_length": config["hidden_size"],
        f"{name}.feed_forward_length": config["intermediate_size"],
        f"{name}.attention.head_count": config["num_attention_heads"],
        f"{name}.attention.head_count_kv": config["num_key_value_heads"],
        f"{name}.attention.key_length": config["head_dim"],
        f"{name}.attention.value_length": config["head_dim"],
        f"{name}.rope.freq_base": float(config.get("rope_parameters", config)["rope_theta"]),
        f"{name}.attention.layer_norm_rms_epsilon": config["rms_norm_eps"],
    }
    tensors: dict[str, NDArray[Any]] = {}
    for key, each in weights.items():
        rows = each
        if name == "llama" and ("q_proj" in key or "k_proj" in key):
            rows = each.reshape(-1, 2, config["head_dim"] // 2, each.shape[-1]).swapaxes(1, 2).reshape(each.shape)
        tensors[ggml_name(key)] = rows
    return tiny.gguf(fields, tensors)


@pytest.mark.parametrize("kind", ["llama", "llama, untied", "llama, a head for each", "qwen2", "qwen3"])
def test_a_gguf_file_is_the_same_graph_as_the_folder(tmp_path: Path, kind: str) -> None:
    config = decoders.config(kind)
    weights = decoders.weights(config)
    (tmp_path / "m.gguf").write_bytes(as_gguf(config, weights))
    expected = Plain(config, rounded(weights)).logits(TOKENS)
    np.testing.assert_allclose(computed(GgufWeights(tmp_path / "m.gguf"), [TOKENS]), expected, rtol=1e-4, atol=1e-3)


def test_quantised_files_compute_what_stands_in_them(tmp_path: Path) -> None:
    config = decoders.config("qwen2")
    weights = decoders.weights(config)
    path = tmp_path / "m.gguf"
    tensors = {
        ggml_name(name): tiny.Quantised(each) if each.ndim > 1 else each.astype("<f4") for name, each in weights.items()
    }
    path.write_bytes(tiny.gguf(gguf.read_fields(_written(tmp_path, config)), tensors))
    stored = {
        name: tiny.dequantised(tiny.q4_1(each), each.shape) if each.ndim > 1 else each for name, each in weights.items()
    }
    expected = Plain(config, rounded(stored)).logits(TOKENS)
    np.testing.assert_allclose(computed(GgufWeights(path), [TOKENS]), expected, rtol=1e-4, atol=1e-3)


def _written(folder: Path, config: dict[str, Any]) -> Path:
    path = folder / "described.gguf"
    path.write_bytes(as_gguf(config, {}))
    return path


def test_every_projection_has_its_name(tmp_path: Path) -> None:
    model = builder.build(FolderWeights(decoders.folder(tmp_path)))
    ov.save_model(model, tmp_path / "m.xml")
    read = core().read_model(tmp_path / "m.xml")
    names = [node.get_friendly_name() for node in read.get_ordered_ops() if node.get_type_name() == "MatMul"]
    assert names == [
        name
        for layer in ("layers.0", "layers.1")
        for name in (
            f"{layer}|q_proj:64|k_proj:32|v_proj:32",
            f"{layer}|o_proj:64",
            f"{layer}|gate_proj:96|up_proj:96",
            f"{layer}|down_proj:64",
        )
    ] + ["lm_head"]


def test_a_projection_has_the_rows_of_hugging_face_in_order(tmp_path: Path) -> None:
    config = decoders.config("llama")
    weights = decoders.weights(config)
    (tmp_path / "m.gguf").write_bytes(as_gguf(config, weights))
    found = GgufWeights(tmp_path / "m.gguf").matrix("layers.0.self_attn.q_proj").values()
    np.testing.assert_allclose(found, weights["model.layers.0.self_attn.q_proj.weight"], atol=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("model.norm.weight"), "lack the tensor 'norm.weight'"),
        (lambda w: w.update({"model.norm.weight": np.ones(3)}), r"'norm.weight' has the shape \(3,\) and not \(64,\)"),
        (lambda w: w.update({"model.embed_tokens.weight": np.ones((9, 32))}), "embed_tokens"),
        (lambda w: w.update({"model.layers.1.mlp.up_proj.weight": np.ones((9, 64))}), "up_proj"),
        (lambda w: w.update({"model.norm.weight": np.ones((1, 64))}), "2 dimensions"),
        (lambda w: w.update({"model.layers.0.mlp.experts.1": np.ones(3)}), "mlp.experts.1, which no llama has"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, change: Any, message: str) -> None:
    weights = decoders.weights(decoders.CONFIG)
    change(weights)
    decoders.folder(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(tiny.safetensors(weights))
    with pytest.raises(ConversionError, match=message):
        builder.build(FolderWeights(tmp_path))
