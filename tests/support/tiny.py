"""Models of a few kilobytes with random weights, in the forms that real ones come in: for tests that convert."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

STRING, ARRAY = 8, 9
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##b", "hello", "world", ",", "!"]


def string(text: str) -> bytes:
    """A string as GGUF has it."""
    return struct.pack("<Q", len(text.encode())) + text.encode()


def value(content: Any) -> bytes:
    """A typed value as GGUF has it; ints become u32, lists are of one type."""
    if isinstance(content, bool):
        return struct.pack("<I?", 7, content)
    if isinstance(content, int):
        return struct.pack("<II", 4, content)
    if isinstance(content, float):
        return struct.pack("<If", 6, content)
    if isinstance(content, str):
        return struct.pack("<I", STRING) + string(content)
    items = [value(item) for item in content] or [value(0)]
    body = b"".join(item[4:] for item in items) if content else b""
    return struct.pack("<I", ARRAY) + items[0][:4] + struct.pack("<Q", len(content)) + body


def q4_1(weights: NDArray[Any]) -> bytes:
    """``weights`` as blocks of Q4_1: a step, a minimum and 32 codes of 4 bits each."""
    blocks = weights.astype(np.float32).reshape(-1, 32)
    least = blocks.min(axis=1, keepdims=True).astype(np.float16)
    step = ((blocks.max(axis=1, keepdims=True) - least) / 15).astype(np.float16)
    codes = np.clip(np.rint((blocks - least) / step.astype(np.float32)), 0, 15).astype(np.uint8)
    packed = codes[:, :16] | (codes[:, 16:] << 4)
    return np.concatenate([step.view(np.uint8), least.view(np.uint8), packed], axis=1).tobytes()


def dequantised(data: bytes, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The weights that blocks of Q4_1 stand for."""
    blocks = np.frombuffer(data, np.uint8).reshape(-1, 20)
    numbers = blocks[:, :4].copy().view(np.float16).astype(np.float32)
    codes = np.concatenate([blocks[:, 4:] & 15, blocks[:, 4:] >> 4], axis=1)
    weights: NDArray[np.float32] = (numbers[:, :1] * codes + numbers[:, 1:]).reshape(shape)
    return weights


class Quantised:
    """A tensor that is written as Q4_1."""

    def __init__(self, weights: NDArray[Any]) -> None:
        self.shape, self.ndim = weights.shape, weights.ndim
        self.data = q4_1(weights)


Tensors = dict[str, NDArray[Any]] | dict[str, Quantised] | dict[str, NDArray[Any] | Quantised]


def gguf(fields: dict[str, Any], tensors: Tensors | None = None, *, version: int = 3) -> bytes:
    """A GGUF file with these key-value pairs and tensors (of floats, 32 or 16 bits, or quantised)."""
    tensors = tensors or {}
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(fields))
    head += b"".join(string(key) + value(content) for key, content in fields.items())
    data = b""
    for name, tensor in tensors.items():
        if isinstance(tensor, Quantised):
            kind, body = 3, tensor.data
        else:
            kind, body = int(tensor.itemsize == 2), tensor.tobytes()
        head += string(name) + struct.pack(f"<I{tensor.ndim}QIQ", tensor.ndim, *tensor.shape[::-1], kind, len(data))
        data += _padded(body)
    return _padded(head) + data


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 32)


LLAMA: dict[str, Any] = {
    "general.architecture": "llama",
    "general.name": "Tiny",
    "general.file_type": 1,
    "llama.block_count": 1,
    "llama.context_length": 128,
    "llama.embedding_length": 64,
    "llama.feed_forward_length": 128,
    "llama.attention.head_count": 2,
    "llama.attention.head_count_kv": 1,
    "llama.rope.freq_base": 10000.0,
    "llama.rope.dimension_count": 32,
    "llama.attention.layer_norm_rms_epsilon": 1e-5,
    "llama.vocab_size": 260,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 2,
    "tokenizer.ggml.unknown_token_id": 0,
    "tokenizer.ggml.padding_token_id": 2,
    "tokenizer.ggml.add_bos_token": False,
    "tokenizer.chat_template": "{% for m in messages %}{{ m['content'] }}{% endfor %}",
}


def llama() -> bytes:
    """A GGUF file of a llama with one layer, whose tokens are bytes."""
    return gguf(
        llama_fields(),
        {name: _plain(each) for name, each in llama_weights().items()},
    )


def llama_q4_1() -> bytes:
    """The same, with the weights of its layer as Q4_1."""
    return gguf(
        llama_fields() | {"general.file_type": 3},
        {
            name: Quantised(each) if name.startswith("blk") and each.ndim > 1 else _plain(each)
            for name, each in llama_weights().items()
        },
    )


def _plain(weights: NDArray[Any]) -> NDArray[Any]:
    return weights.astype("<f2" if weights.ndim > 1 else "<f4")


def llama_fields() -> dict[str, Any]:
    """What the file says of itself."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + number) for number in range(len(others))]
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *letters, letters[0] + letters[1]]
    return LLAMA | {
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3, 3, 3] + [1] * (len(tokens) - 3),
        "tokenizer.ggml.merges": [f"{letters[0]} {letters[1]}"],
    }


def llama_weights() -> dict[str, NDArray[Any]]:
    """Random weights, by name."""
    shapes = {
        "token_embd.weight": (260, 64),
        "output_norm.weight": (64,),
        "blk.0.attn_norm.weight": (64,),
        "blk.0.ffn_norm.weight": (64,),
        "blk.0.attn_q.weight": (64, 64),
        "blk.0.attn_k.weight": (32, 64),
        "blk.0.attn_v.weight": (32, 64),
        "blk.0.attn_output.weight": (64, 64),
        "blk.0.ffn_gate.weight": (128, 64),
        "blk.0.ffn_up.weight": (128, 64),
        "blk.0.ffn_down.weight": (64, 128),
    }
    random = np.random.default_rng(0)
    return {name: random.normal(0, 0.1, shape) for name, shape in shapes.items()}


def safetensors(tensors: dict[str, NDArray[Any]]) -> bytes:
    """A safetensors file with these tensors (of 32-bit floats)."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, tensor in tensors.items():
        raw = tensor.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    described = json.dumps(header).encode()
    return struct.pack("<Q", len(described)) + described + data


BERT = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "max_position_embeddings": 16,
    "layer_norm_eps": 1e-12,
}


def bert_weights() -> dict[str, NDArray[np.float32]]:
    """Random weights of `BERT`."""
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), 8),
        "embeddings.position_embeddings.weight": (16, 8),
        "embeddings.token_type_embeddings.weight": (2, 8),
        "embeddings.LayerNorm.weight": (8,),
        "embeddings.LayerNorm.bias": (8,),
    }
    for layer in (f"encoder.layer.{number}" for number in range(2)):
        linear = {"attention.self.query": (8, 8), "attention.self.key": (8, 8), "attention.self.value": (8, 8)}
        linear |= {"attention.output.dense": (8, 8), "intermediate.dense": (16, 8), "output.dense": (8, 16)}
        for name, shape in linear.items():
            shapes |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{layer}.{name}.weight": (8,), f"{layer}.{name}.bias": (8,)}
    random = np.random.default_rng(0)
    return {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def bert(folder: Path) -> Path:
    """Write a BERT with two layers into ``folder``, in the form of sentence-transformers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(BERT))
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in VOCABULARY))
    (folder / "model.safetensors").write_bytes(safetensors(bert_weights()))
    return folder
