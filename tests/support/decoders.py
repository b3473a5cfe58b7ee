"""Decoders of a few kilobytes as folders of Hugging Face's, and what they compute, in numpy and written apart."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support import tiny

Array = NDArray[np.float64]
Weights = dict[str, NDArray[Any]]

CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "vocab_size": 260,
}
STRETCHED = {
    "rope_type": "llama3",
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
KINDS: dict[str, dict[str, Any]] = {
    "llama": {},
    "llama, untied": {"tie_word_embeddings": False},
    "llama, stretched": {"rope_scaling": STRETCHED},
    "llama, a head for each": {"num_key_value_heads": 4},
    "mistral": {"model_type": "mistral", "sliding_window": None},
    "qwen2": {"model_type": "qwen2", "use_sliding_window": False, "sliding_window": 64},
    "qwen3": {"model_type": "qwen3", "head_dim": 32, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6}},
}


def config(kind: str) -> dict[str, Any]:
    """What ``config.json`` says for one of `KINDS`."""
    return CONFIG | KINDS[kind]


def weights(config: dict[str, Any]) -> Weights:
    """Random weights, by Hugging Face's names."""
    random = np.random.default_rng(0)
    hidden, inner, size = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    queries, keys = config["num_attention_heads"] * size, config["num_key_value_heads"] * size
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (260, hidden), "model.norm.weight": (hidden,)}
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (260, hidden)
    for layer in (f"model.layers.{number}" for number in range(config["num_hidden_layers"])):
        outputs = {"q_proj": queries, "k_proj": keys, "v_proj": keys}
        shapes |= {f"{layer}.self_attn.{name}.weight": (rows, hidden) for name, rows in outputs.items()}
        if config["model_type"] == "qwen2":
            shapes |= {f"{layer}.self_attn.{name}.bias": (rows,) for name, rows in outputs.items()}
        if config["model_type"] == "qwen3":
            shapes |= {f"{layer}.self_attn.{name}.weight": (size,) for name in ("q_norm", "k_norm")}
        shapes |= {f"{layer}.mlp.{name}.weight": (inner, hidden) for name in ("gate_proj", "up_proj")}
        shapes |= {f"{layer}.{name}.weight": (hidden,) for name in ("input_layernorm", "post_attention_layernorm")}
        shapes |= {
            f"{layer}.self_attn.o_proj.weight": (hidden, queries),
            f"{layer}.mlp.down_proj.weight": (hidden, inner),
        }
    return {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def folder(path: Path, kind: str = "llama", **changes: Any) -> Path:
    """Write one of `KINDS` into the folder ``path``, with ``changes`` of its configuration."""
    path.mkdir(parents=True, exist_ok=True)
    described = config(kind) | changes
    (path / "config.json").write_text(json.dumps(described))
    (path / "model.safetensors").write_bytes(tiny.safetensors(weights(described)))
    return path


def tokenizer(path: Path) -> None:
    """Write a tokenizer whose tokens are bytes into the folder ``path``, as Hugging Face's library does."""
    fields = tiny.llama_fields()
    tokens = fields["tokenizer.ggml.tokens"]
    special = [
        {"id": number, "content": token, "special": True, "single_word": False, "lstrip": False, "rstrip": False}
        | {"normalized": False}
        for number, token in enumerate(tokens[:3])
    ]
    bytewise: dict[str, Any] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model: dict[str, Any] = {"type": "BPE", "vocab": {token: number for number, token in enumerate(tokens)}}
    model |= {"merges": [each.split(" ") for each in fields["tokenizer.ggml.merges"]], "dropout": None}
    model |= {"unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False}
    whole: dict[str, Any] = {"version": "1.0", "added_tokens": special, "normalizer": None, "pre_tokenizer": bytewise}
    whole |= {"post_processor": None, "decoder": bytewise, "model": model, "truncation": None, "padding": None}
    (path / "tokenizer.json").write_text(json.dumps(whole))
    said = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": tokens[1], "eos_token": tokens[2]}
    said |= {"chat_template": "{% for m in messages %}{{ m['content'] }}{% endfor %}"}
    (path / "tokenizer_config.json").write_text(json.dumps(said))


class Plain:
    """A decoder in double precision, one position after the other looking back at all before it."""

    def __init__(self, config: dict[str, Any], weights: Weights) -> None:
        self.config = config
        self.weights = {name.removeprefix("model."): each.astype(np.float64) for name, each in weights.items()}

    def logits(self, tokens: list[int]) -> Array:
        """[tokens, vocabulary]."""
        hidden = self.weights["embed_tokens.weight"][tokens]
        for number in range(self.config["num_hidden_layers"]):
            name = f"layers.{number}"
            hidden = hidden + self.attention(self.norm(hidden, f"{name}.input_layernorm"), f"{name}.self_attn")
            hidden = hidden + self.inner(self.norm(hidden, f"{name}.post_attention_layernorm"), f"{name}.mlp")
        head = self.weights.get("lm_head.weight", self.weights["embed_tokens.weight"])
        return np.asarray(self.norm(hidden, "norm") @ head.T)

    def attention(self, hidden: Array, name: str) -> Array:
        heads, shared = self.config["num_attention_heads"], self.config["num_key_value_heads"]
        queries, keys, values = (
            self.linear(hidden, f"{name}.{part}").reshape(len(hidden), -1, self.config["head_dim"])
            for part in ("q_proj", "k_proj", "v_proj")
        )
        if f"{name}.q_norm.weight" in self.weights:
            queries, keys = self.norm(queries, f"{name}.q_norm"), self.norm(keys, f"{name}.k_norm")
        queries, keys = self.turned(queries), self.turned(keys)
        looked = np.zeros_like(queries)
        for at in range(len(hidden)):
            for head in range(heads):
                own = head // (heads // shared)
                score = keys[: at + 1, own] @ queries[at, head] / np.sqrt(self.config["head_dim"])
                share = np.exp(score - score.max())
                looked[at, head] = share / share.sum() @ values[: at + 1, own]
        return self.linear(looked.reshape(len(hidden), -1), f"{name}.o_proj")

    def turned(self, heads: Array) -> Array:
        half = self.config["head_dim"] // 2
        numbers = heads[..., :half] + 1j * heads[..., half:]
        angles = np.arange(len(heads))[:, None] * np.array([self.frequency(pair) for pair in range(half)])
        numbers = numbers * np.exp(1j * angles)[:, None, :]
        return np.concatenate([numbers.real, numbers.imag], axis=-1)

    def frequency(self, pair: int) -> float:
        base = float(self.config.get("rope_parameters", self.config)["rope_theta"])
        plain: float = base ** (-2 * pair / self.config["head_dim"])
        scaling = self.config.get("rope_scaling")
        if not scaling:
            return plain
        length, low, high = 2 * np.pi / plain, scaling["low_freq_factor"], scaling["high_freq_factor"]
        original = scaling["original_max_position_embeddings"]
        if length < original / high:
            return plain
        if length > original / low:
            return plain / float(scaling["factor"])
        smooth = (original / length - low) / (high - low)
        return float((1 - smooth) * plain / scaling["factor"] + smooth * plain)

    def inner(self, hidden: Array, name: str) -> Array:
        gate = self.linear(hidden, f"{name}.gate_proj")
        return self.linear(gate / (1 + np.exp(-gate)) * self.linear(hidden, f"{name}.up_proj"), f"{name}.down_proj")

    def linear(self, value: Array, name: str) -> Array:
        return np.asarray(value @ self.weights[f"{name}.weight"].T + self.weights.get(f"{name}.bias", 0))

    def norm(self, value: Array, name: str) -> Array:
        spread = np.sqrt((value**2).mean(axis=-1, keepdims=True) + self.config["rms_norm_eps"])
        return np.asarray(value / spread * self.weights[f"{name}.weight"])
