"""The weights of a decoder from a folder of Hugging Face's: ``config.json`` and safetensors, one file or several."""

from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from forebay.engine import safetensors
from forebay.engine.decoder import codes, rope
from forebay.engine.decoder.architecture import HEAD, Architecture, Floats
from forebay.engine.decoder.codes import Codes
from forebay.engine.errors import ConversionError
from forebay.engine.huggingface import CONFIG

SUPPORTED: Final = ("llama", "mistral", "qwen2", "qwen3")
_INDEX: Final = "model.safetensors.index.json"
_WHOLE: Final = "model.safetensors"
_PREFIX: Final = "model."
_DERIVED: Final = ".rotary_emb.inv_freq"  # Old files keep what follows from the configuration.
_PART: Final = 2**24  # Weights that are read at once.


class _Rope(msgspec.Struct, frozen=True):
    rope_type: str = "default"
    type: str | None = None  # What it was called first.
    rope_theta: float | None = None
    factor: float = 1.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_max_position_embeddings: int = 8192
    partial_rotary_factor: float = 1.0


class Config(msgspec.Struct, frozen=True):
    """What is read of ``config.json``; what it does not say is as transformers has it."""

    model_type: str
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    max_position_embeddings: int
    rms_norm_eps: float = 1e-6
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    hidden_act: str = "silu"
    tie_word_embeddings: bool = False
    rope_theta: float = 10000.0
    rope_scaling: _Rope | None = None
    rope_parameters: _Rope | None = None
    sliding_window: int | None = None
    use_sliding_window: bool = True
    quantization_config: dict[str, Any] | None = None


class _Index(msgspec.Struct, frozen=True):
    weight_map: dict[str, str]


class _Named(msgspec.Struct, frozen=True):
    model_type: str


def read_config(folder: Path) -> Config:
    """The configuration of the model in ``folder``.

    Raises:
        ConversionError: there is none, it is damaged, or describes a model that cannot be built.
    """
    path = folder / CONFIG
    try:
        described = path.read_bytes()
        kind = msgspec.json.decode(described, type=_Named).model_type
        if kind not in SUPPORTED:
            raise ConversionError(f"The architecture {kind} is not supported; these are: {', '.join(SUPPORTED)}.")
        config = msgspec.json.decode(described, type=Config)
    except (OSError, msgspec.DecodeError) as error:
        raise ConversionError(f"{path} cannot be read: {error}") from None
    _check(config)
    return config


def _check(config: Config) -> None:
    if config.quantization_config is not None:
        method = config.quantization_config.get("quant_method", "an unknown method")
        raise ConversionError(f"Its weights are quantised by {method}, which is not supported; take the original ones.")
    if config.hidden_act != "silu":
        raise ConversionError(f"Its activation is {config.hidden_act}; only silu is supported.")
    window = config.sliding_window
    if window is not None and config.use_sliding_window and window < config.max_position_embeddings:
        raise ConversionError(f"It looks back at {window} tokens and no further, which is not supported.")
    heads = (config.num_attention_heads, config.num_key_value_heads or config.num_attention_heads)
    if min(*heads, config.num_hidden_layers, config.hidden_size, config.intermediate_size) < 1 or heads[0] % heads[1]:
        raise ConversionError("Its configuration has sizes that do not fit together.")


class FolderWeights:
    """A folder of Hugging Face's as `Weights`; its files are mapped as long as this lives."""

    def __init__(self, folder: Path) -> None:
        """Read the configuration and where the tensors are.

        Raises:
            ConversionError: it describes a model that cannot be built, or a file is missing or damaged.
        """
        config = read_config(folder)
        self.architecture = _architecture(config)
        self._tensors = {
            name.removeprefix(_PREFIX): tensor for name, tensor in _tensors(folder).items() if _DERIVED not in name
        }
        if config.tie_word_embeddings:
            self._tensors.pop(f"{HEAD}.weight", None)
        self._left = dict.fromkeys(self._tensors)

    def has(self, name: str) -> bool:
        """As `Weights.has`."""
        return name in self._tensors

    def matrix(self, name: str) -> Codes:
        """As `Weights.matrix`."""
        tensor = self._take(f"{name}.weight", 2)
        part = max(_PART // tensor.shape[1], 1)
        pieces = (safetensors.floats(tensor[at : at + part]) for at in range(0, len(tensor), part))
        return codes.joined([codes.quantised(piece) for piece in pieces])

    def vector(self, name: str) -> Floats:
        """As `Weights.vector`."""
        return safetensors.floats(self._take(name, 1))

    def unused(self) -> list[str]:
        """As `Weights.unused`."""
        return [*self._left]

    def _take(self, name: str, dimensions: int) -> npt.NDArray[Any]:
        if name not in self._tensors:
            raise ConversionError(f"The weights lack the tensor '{name}', so they are no {self.architecture.name}.")
        self._left.pop(name, None)
        tensor = self._tensors[name]
        if tensor.ndim != dimensions:
            raise ConversionError(f"The tensor '{name}' has {tensor.ndim} dimensions and not {dimensions}.")
        return tensor


def _tensors(folder: Path) -> dict[str, npt.NDArray[Any]]:
    index = folder / _INDEX
    try:
        if not index.is_file():
            return safetensors.read(folder / _WHOLE)
        files = set(msgspec.json.decode(index.read_bytes(), type=_Index).weight_map.values())
        if any(Path(file).name != file for file in files):
            raise ConversionError(f"{index} names files outside of its folder.")
        return {name: tensor for file in sorted(files) for name, tensor in safetensors.read(folder / file).items()}
    except msgspec.DecodeError as error:
        raise ConversionError(f"{index} cannot be read: {error}") from None


def _architecture(config: Config) -> Architecture:
    head_size = config.head_dim or config.hidden_size // config.num_attention_heads
    return Architecture(
        name=config.model_type,
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        inner=config.intermediate_size,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads or config.num_attention_heads,
        head_size=head_size,
        epsilon=config.rms_norm_eps,
        frequencies=_frequencies(config, head_size),
    )


def _frequencies(config: Config, head_size: int) -> Floats:
    found = config.rope_parameters or config.rope_scaling or _Rope()
    base = found.rope_theta or config.rope_theta
    plain = rope.plain(base, head_size)
    kind = found.type or found.rope_type
    if found.partial_rotary_factor != 1:
        raise ConversionError("It turns a part of each head only, which is not supported.")
    if kind == "linear":
        return plain / np.float32(found.factor)
    if kind == "llama3":
        original = found.original_max_position_embeddings
        return rope.llama3(plain, rope.Llama3(found.factor, found.low_freq_factor, found.high_freq_factor, original))
    if kind != "default":
        raise ConversionError(f"Its context is stretched by '{kind}', which is not supported.")
    return plain
