"""The weights of a decoder from a GGUF file."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

import numpy as np

from forebay.engine import gguf
from forebay.engine.decoder import ggml, rope
from forebay.engine.decoder.architecture import Architecture, Floats
from forebay.engine.decoder.codes import Codes
from forebay.engine.errors import ConversionError

T = TypeVar("T", int, float, str)

SUPPORTED: Final = ("llama", "qwen2", "qwen3")
_TURNS: Final = "rope_freqs.weight"
_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "embed_tokens": "token_embd",
        "norm": "output_norm",
        "lm_head": "output",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "self_attn.q_norm": "attn_q_norm",
        "self_attn.k_norm": "attn_k_norm",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }
)


class GgufWeights:
    """A GGUF file as `Weights`; it stays open as long as this lives."""

    def __init__(self, path: Path) -> None:
        """Read the description of the model in ``path``.

        Raises:
            ConversionError: it describes a model that cannot be built.
            GGUFError: it is no GGUF file, or a damaged one.
        """
        self._data = np.memmap(path, mode="r")
        self._tensors = {tensor.name: tensor for tensor in gguf.tensors(path)}
        self._left = dict.fromkeys(self._tensors)
        turns = self._read(_TURNS) if _TURNS in self._tensors else None
        self.architecture = _architecture(gguf.read_fields(path), turns)

    def has(self, name: str) -> bool:
        """As `Weights.has`."""
        return _ggml_name(name) in self._tensors

    def matrix(self, name: str) -> Codes:
        """As `Weights.matrix`."""
        tensor = self._take(f"{name}.weight")
        columns, *rows = tensor.shape
        if len(rows) != 1:
            raise ConversionError(f"The tensor '{tensor.name}' has {len(tensor.shape)} dimensions and not two.")
        order = self._order(name, *rows)
        found = ggml.matrix(tensor.kind, self._bytes(tensor), columns, tensor.name)
        return found if order is None else found.reordered(order)

    def vector(self, name: str) -> Floats:
        """As `Weights.vector`."""
        tensor = self._take(name)
        if len(tensor.shape) != 1:
            raise ConversionError(f"The tensor '{tensor.name}' has {len(tensor.shape)} dimensions and not one.")
        values = ggml.values(tensor.kind, self._bytes(tensor), tensor.name)
        order = self._order(name.removesuffix(".bias"), values.size)
        return values if order is None else values[order]

    def unused(self) -> list[str]:
        """As `Weights.unused`."""
        return [*self._left]

    def _take(self, name: str) -> gguf.Tensor:
        key = _ggml_name(name)
        if key not in self._tensors:
            raise ConversionError(f"The file lacks the tensor '{key}', so it is no whole {self.architecture.name}.")
        self._left.pop(key, None)
        return self._tensors[key]

    def _read(self, key: str) -> Floats:
        self._left.pop(key)
        tensor = self._tensors[key]
        return ggml.values(tensor.kind, self._bytes(tensor), key)

    def _bytes(self, tensor: gguf.Tensor) -> ggml.Bytes:
        return self._data[tensor.start : tensor.start + tensor.size]

    def _order(self, module: str, rows: int) -> "np.ndarray[tuple[int], np.dtype[np.intp]] | None":
        """Where the rows stand that Hugging Face has in order: ggml's llama has a head's partners side by side."""
        shape = self.architecture
        heads = {"q_proj": shape.heads, "k_proj": shape.kv_heads}.get(module.rpartition(".")[2])
        if heads is None or shape.name != "llama" or rows % (2 * heads):
            return None
        return np.arange(rows).reshape(heads, -1, 2).swapaxes(1, 2).reshape(-1)


def _ggml_name(name: str) -> str:
    module, _, last = name.rpartition(".")
    if module.startswith("layers."):
        _, number, part = module.split(".", 2)
        return f"blk.{number}.{_NAMES[part]}.{last}"
    return f"{_NAMES[module]}.{last}"


def _architecture(fields: Mapping[str, object], turns: Floats | None) -> Architecture:
    described = _Described(fields)
    heads = described.number("attention.head_count")
    hidden = described.number("embedding_length")
    head_size = described.number("attention.key_length", hidden // heads)
    described.expect("attention.value_length", head_size)
    described.expect("rope.dimension_count", head_size)
    described.expect("expert_count", 0)
    described.expect("attention.sliding_window", 0)
    return Architecture(
        name=described.name,
        layers=described.number("block_count"),
        hidden=hidden,
        inner=described.number("feed_forward_length"),
        heads=heads,
        kv_heads=described.number("attention.head_count_kv", heads),
        head_size=head_size,
        epsilon=described.value("attention.layer_norm_rms_epsilon", float),
        frequencies=_frequencies(described, head_size, turns),
    )


def _frequencies(described: "_Described", head_size: int, turns: Floats | None) -> Floats:
    plain = rope.plain(described.value("rope.freq_base", float, 10000.0), head_size)
    if turns is not None:
        if turns.shape != plain.shape:
            raise ConversionError(f"The tensor '{_TURNS}' has {turns.size} numbers and not {plain.size}.")
        plain = plain / turns
    kind = described.value("rope.scaling.type", str, "none")
    if kind == "linear":
        return plain / np.float32(described.value("rope.scaling.factor", float, 1.0))
    if kind != "none":
        raise ConversionError(f"Its context is stretched by '{kind}', which is not supported.")
    return plain


class _Described:
    """The key-value pairs of a file, as far as they describe its model."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields
        self.name = str(fields.get("general.architecture"))
        if self.name not in SUPPORTED:
            raise ConversionError(
                f"The architecture {self.name} is not supported; these are: {', '.join(SUPPORTED)} (SmolLM, TinyLlama "
                "and Mistral call themselves llama)."
            )

    def value(self, key: str, kind: type[T], default: T | None = None) -> T:
        found = self._fields.get(f"{self.name}.{key}", default)
        if not isinstance(found, kind):
            raise ConversionError(f"Its '{self.name}.{key}' is {found!r:.80}, so the file is damaged or incomplete.")
        return found

    def number(self, key: str, default: int | None = None) -> int:
        """A number that is more than zero."""
        found = self.value(key, int, default)
        if found <= 0:
            raise ConversionError(f"Its '{self.name}.{key}' is {found}, so the file is damaged.")
        return found

    def expect(self, key: str, only: int) -> None:
        """Refuse anything but ``only``, which is what not to say it means."""
        found = self._fields.get(f"{self.name}.{key}", only)
        if found != only:
            raise ConversionError(f"Its '{self.name}.{key}' is {found!r:.80}; only {only} is supported.")
