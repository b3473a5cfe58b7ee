"""The reader of PEFT's adapters: what it makes of a configuration, and that it refuses by name what it cannot do."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.engine import peft
from forebay.engine.adapter import Adapter
from forebay.engine.peft import AdapterError
from tests.support import lora

WEIGHTS = lora.tensors(lora.TINY, 0, rank=4)
Q = "base_model.model.model.layers.0.self_attn.q_proj"


def read(folder: Path, max_rank: int = 64) -> Adapter:
    return peft.read(folder, "tiny", 7, lora.TINY, max_rank)


def test_matrices_come_the_other_way_round_and_scaled(tmp_path: Path) -> None:
    adapter = read(lora.write(tmp_path, WEIGHTS, rank=4, lora_alpha=6))
    factors = adapter.factors[0, "q_proj"]
    np.testing.assert_array_equal(factors.down, WEIGHTS[f"{Q}.lora_A.weight"].T.astype(np.float32))
    np.testing.assert_allclose(factors.up, WEIGHTS[f"{Q}.lora_B.weight"].T * 1.5, rtol=1e-6)
    assert adapter.targets == {*lora.ALL}
    assert adapter.rank == 4
    assert adapter.bytes == sum(4 * each.size for each in WEIGHTS.values())
    assert adapter.identity == b"tiny#7"


@pytest.mark.parametrize(
    ("config", "scaling"),
    [
        ({"lora_alpha": 2}, 0.5),
        ({"lora_alpha": 2, "use_rslora": True}, 1.0),
        ({"lora_alpha": 2, "alpha_pattern": {"q_proj": 8}}, 2.0),
        ({"lora_alpha": 2, "alpha_pattern": {"^model.layers.0.self_attn.q_proj$": 8}}, 2.0),
        ({"lora_alpha": 2, "alpha_pattern": {r"model\.layers\.0\.self_attn\.q_proj": 8}}, 2.0),
        ({"lora_alpha": 2, "alpha_pattern": {"proj": 8, "^self_attn.q_proj": 8}}, 0.5),
        ({"lora_alpha": 2, "r": 9, "rank_pattern": {"layers.0.self_attn.q_proj": 4}}, 0.5),
        ({"lora_alpha": 4, "use_rslora": True, "alpha_pattern": {"self_attn.q_proj": 6}}, 6 / math.sqrt(4)),
    ],
)
def test_the_scaling_is_peft_s(tmp_path: Path, config: dict[str, Any], scaling: float) -> None:
    weights = {name: each for name, each in WEIGHTS.items() if name.startswith(Q)}
    found = read(lora.write(tmp_path, weights, rank=4, **config)).factors[0, "q_proj"]
    np.testing.assert_allclose(found.up, weights[f"{Q}.lora_B.weight"].T * scaling, rtol=1e-6)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"bias": "lora_only"}, "bias"),
        ({"lora_bias": True}, "lora_bias"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"trainable_token_indices": [1]}, "trainable_token_indices"),
        ({"layer_replication": [[0, 1]]}, "layer_replication"),
        ({"alora_invocation_tokens": [1]}, "alora_invocation_tokens"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights"),
        ({"peft_type": "LOHA"}, "LOHA"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "embed_tokens"),
        ({"r": 0}, "rank"),
        ({"r": 65}, "rank.*65"),
        ({"r": 8}, "matrices"),
        ({"r": "four"}, "adapter_config.json"),
        ({"rank_pattern": {"(a+)+b": 4}}, "rank_pattern"),
    ],
)
def test_what_is_not_supported_is_named(tmp_path: Path, config: dict[str, Any], words: str) -> None:
    with pytest.raises(AdapterError, match=words):
        read(lora.write(tmp_path, WEIGHTS, **{"rank": 4, **config}))


@pytest.mark.parametrize("targets", [".*_proj", "all-linear", None, ["model.layers.0.self_attn.q_proj"]])
def test_however_the_targets_are_written_the_weights_decide(tmp_path: Path, targets: Any) -> None:
    assert read(lora.write(tmp_path, WEIGHTS, rank=4, target_modules=targets)).targets == {*lora.ALL}


def _renamed(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda weights: {(name if key == f"{Q}.lora_A.weight" else key): each for key, each in weights.items()}


def _with(values: Any, name: str = f"{Q}.lora_A.weight") -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda weights: weights | {name: values}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _: {}, "no weights"),
        (_renamed("base_model.model.model.embed_tokens.lora_embedding_A"), "embed_tokens"),
        (_renamed(f"{Q}.lora_magnitude_vector"), "lora_magnitude_vector"),
        (_renamed("base_model.model.lm_head.lora_A.weight"), "lm_head"),
        (_renamed("base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight"), "only one of|no 'model.layers.9"),
        (_with(np.zeros((4, 63))), r"\(4, 63\)"),
        (_with(np.zeros((4,))), "matrices"),
        (_with(np.full((4, 64), np.nan)), "no numbers"),
        (_with(np.full((4, 64), np.inf)), "no numbers"),
        (_with(np.full((4, 64), 1e9)), "beyond"),
    ],
)
def test_what_is_wrong_with_the_weights_is_said(tmp_path: Path, change: Any, words: str) -> None:
    with pytest.raises(AdapterError, match=words):
        read(lora.write(tmp_path, change(WEIGHTS), rank=4))


def test_no_message_tells_where_the_folder_is(tmp_path: Path) -> None:
    folder = lora.write(tmp_path / "secret-place", WEIGHTS, rank=4)
    (folder / "adapter_model.safetensors").unlink()
    (folder / "adapter_model.safetensors").write_bytes(b"no safetensors")
    with pytest.raises(AdapterError) as caught:
        read(folder)
    assert "secret-place" not in str(caught.value)


@given(text=st.binary(max_size=100) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_rubbish_is_an_error_and_nothing_else(tmp_path_factory: pytest.TempPathFactory, text: bytes | str) -> None:
    folder = lora.write(tmp_path_factory.mktemp("rubbish"), WEIGHTS, rank=4)
    (folder / "adapter_config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(AdapterError):
        read(folder)
