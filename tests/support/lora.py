"""LoRA adapters made of a seed, in the form in which PEFT stores them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support import tiny

MLP = ("gate_proj", "up_proj", "down_proj")
ALL = ("q_proj", "k_proj", "v_proj", "o_proj", *MLP)
Modules = Mapping[tuple[int, str], tuple[int, int]]


def modules(layers: int, hidden: int, kv: int, mlp: int) -> Modules:
    """The modules of a model of such widths, with those of their inputs and outputs."""
    widths = {"q_proj": (hidden, hidden), "k_proj": (hidden, kv), "v_proj": (hidden, kv), "o_proj": (hidden, hidden)}
    widths |= {"gate_proj": (hidden, mlp), "up_proj": (hidden, mlp), "down_proj": (mlp, hidden)}
    return {(layer, target): widths[target] for layer in range(layers) for target in ALL}


SMOLLM2 = modules(30, 576, 192, 1536)
TINY = modules(1, 64, 32, 128)


def path(layer: int, target: str) -> str:
    """What Hugging Face calls a module."""
    return f"model.layers.{layer}.{'mlp' if target in MLP else 'self_attn'}.{target}"


def tensors(
    shapes: Modules, seed: int, *, rank: int = 8, targets: Iterable[str] = ALL, scale: float = 1.0
) -> dict[str, NDArray[Any]]:
    """Random matrices of an adapter for a model with modules of these ``shapes``, by PEFT's names."""
    random = np.random.default_rng(seed)
    found = {}
    for (layer, target), (inputs, outputs) in shapes.items():
        if target in targets:
            name = f"base_model.model.{path(layer, target)}"
            found[f"{name}.lora_A.weight"] = random.normal(0, inputs**-0.5, (rank, inputs))
            found[f"{name}.lora_B.weight"] = random.normal(0, scale * rank**-0.5, (outputs, rank))
    return found


def write(
    folder: Path, weights: dict[str, NDArray[Any]], *, rank: int = 8, targets: Iterable[str] = ALL, **config: Any
) -> Path:
    """Put an adapter into ``folder``; its scaling is 1 unless ``config`` says otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    fields = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": rank,
        "target_modules": [*targets],
    }
    (folder / "adapter_config.json").write_text(json.dumps(fields | config))
    file = folder / "adapter_model.safetensors"
    file.unlink(missing_ok=True)  # one that is mapped must not be cut
    file.write_bytes(tiny.safetensors(weights))
    return folder


def everything(folder: Path) -> Path:
    """An adapter of the default model that changes all modules."""
    return write(folder, tensors(SMOLLM2, 1, scale=0.15), lora_alpha=16)


def some(folder: Path) -> Path:
    """One that changes some of them, with most of what PEFT's configuration has to offer."""
    targets = ("q_proj", "v_proj", "down_proj")
    weights = tensors(SMOLLM2, 2, rank=16, targets=targets, scale=0.15)
    for name in [*weights]:
        if "layers.3.mlp" in name:  # of another rank than the others
            weights[name] = weights[name][:4] if "lora_A" in name else weights[name][:, :4]
    return write(
        folder,
        weights,
        rank=16,
        targets=targets,
        use_rslora=True,
        lora_alpha=6,
        rank_pattern={"layers.3.mlp.down_proj": 4},
        alpha_pattern={"v_proj": 9},
    )
