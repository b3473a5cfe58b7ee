"""Reads a LoRA adapter from a folder as PEFT writes it: ``adapter_config.json`` and ``adapter_model.safetensors``.

Whatever PEFT can do beyond plain LoRA of a model's projections is refused by name: an adapter that is applied in part
would answer, but with something else than what was trained.

Source: the documentation of Hugging Face's PEFT, "LoRA" and "PEFT checkpoint format".
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from forebay.engine import safetensors
from forebay.engine.adapter import Adapter, Factors
from forebay.engine.errors import ConversionError
from forebay.engine.projections import TARGETS, Module

CONFIG: Final = "adapter_config.json"
WEIGHTS: Final = "adapter_model.safetensors"

_CONFIG_BYTES: Final = 1024 * 1024
_LARGEST: Final = 1e6  # A product of greater numbers may overflow, and infinity times a mask's zero is no zero.
_TENSOR: Final = re.compile(
    r"(?:.+\.)?layers\.(\d{1,5})\.(?:self_attn|mlp)\.([a-z]+_proj)\.lora_([AB])\.weight", re.ASCII
)

# PEFT takes any regular expression; those of strangers can keep the interpreter busy for years.
_PLAIN: Final = re.compile(r"\^?(?:[a-z0-9_]|\\?\.)+\$?", re.ASCII)

# What PEFT may do besides, with the values that ask for nothing.
_UNSUPPORTED: Final[Mapping[str, tuple[Any, ...]]] = {
    "use_dora": (None, False),
    "bias": (None, "none"),
    "lora_bias": (None, False),
    "modules_to_save": (None, []),
    "trainable_token_indices": (None, [], {}),
    "target_parameters": (None, []),
    "layer_replication": (None, []),
    "fan_in_fan_out": (None, False),
    "use_qalora": (None, False),
    "alora_invocation_tokens": (None, []),
    "arrow_config": (None,),
    "kasa_config": (None,),
    "monteclora_config": (None,),
    "velora_config": (None,),
    "use_bdlora": (None, False),
}
# All other methods change the base model's own weights, or may.
_STARTS: Final = (None, True, False, "gaussian", "eva", "orthogonal")


class AdapterError(Exception):
    """A folder holds no adapter, or none for this model; the message says what is wrong, without any path."""


class _Config(msgspec.Struct, frozen=True):
    """Of ``adapter_config.json``, what decides how the weights are used."""

    r: int
    lora_alpha: float
    peft_type: str = "LORA"
    target_modules: list[str] | str | None = None
    use_rslora: bool = False
    rank_pattern: dict[str, int] = {}
    alpha_pattern: dict[str, float] = {}
    init_lora_weights: bool | str | None = None

    def rank(self, path: str) -> int:
        """The rank of the module at ``path``."""
        return int(_pattern(self.rank_pattern, path, self.r))

    def scaling(self, path: str) -> float:
        """What the output of the module at ``path`` is multiplied by."""
        rank = self.rank(path)
        return _pattern(self.alpha_pattern, path, self.lora_alpha) / (math.sqrt(rank) if self.use_rslora else rank)


def read(folder: Path, name: str, generation: int, modules: Mapping[Module, tuple[int, int]], max_rank: int) -> Adapter:
    """The adapter in ``folder``, for a model with ``modules`` and the widths of their inputs and outputs.

    Raises:
        AdapterError: it cannot be used; the message names what is not supported.
        OSError: a file cannot be read.
    """
    config = _config(folder / CONFIG)
    try:
        tensors = safetensors.read(folder / WEIGHTS)
    except ConversionError:
        raise AdapterError(f"{WEIGHTS} is damaged, or holds tensors of a type that is not supported.") from None
    pairs: dict[Module, dict[str, NDArray[Any]]] = {}
    for tensor, values in tensors.items():
        match = _TENSOR.fullmatch(tensor)
        if match is None or match[2] not in TARGETS:
            raise AdapterError(f"The tensor '{tensor[:200]}' is not supported: adapters may change {_TARGETS}.")
        pairs.setdefault((int(match[1]), match[2]), {})[match[3]] = values
    if not pairs:
        raise AdapterError(f"{WEIGHTS} holds no weights.")
    return Adapter(
        name, generation, {module: _factors(module, pair, config, modules, max_rank) for module, pair in pairs.items()}
    )


def _config(path: Path) -> _Config:
    with path.open("rb") as file:
        text = file.read(_CONFIG_BYTES + 1)
    try:
        fields = msgspec.json.decode(text[:_CONFIG_BYTES], type=dict[str, Any])
        config = msgspec.convert(fields, _Config)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise AdapterError(f"{CONFIG} cannot be read: {error}.") from None
    if config.peft_type != "LORA":
        raise AdapterError(f"'peft_type' {config.peft_type[:50]!r} is not supported: only LORA is.")
    for key, neutral in _UNSUPPORTED.items():
        if fields.get(key) not in neutral:
            raise AdapterError(f"'{key}' is not supported.")
    if config.init_lora_weights not in _STARTS:
        raise AdapterError("'init_lora_weights' names a method that changes the base model: convert it to plain LoRA.")
    for pattern in (*config.rank_pattern, *config.alpha_pattern):
        if not _PLAIN.fullmatch(pattern):
            raise AdapterError("'rank_pattern' and 'alpha_pattern' may hold names, but no other regular expressions.")
    if isinstance(config.target_modules, list):
        _check_targets(config.target_modules)
    return config


def _check_targets(targets: list[str]) -> None:
    others = [target for target in targets if target.rpartition(".")[2] not in TARGETS]
    if others:
        raise AdapterError(f"'target_modules' holds '{others[0][:100]}': adapters may change {_TARGETS}.")


def _factors(
    module: Module,
    pair: Mapping[str, NDArray[Any]],
    config: _Config,
    modules: Mapping[Module, tuple[int, int]],
    max_rank: int,
) -> Factors:
    layer, target = module
    path = f"model.layers.{layer}.{'mlp' if target in _MLP else 'self_attn'}.{target}"
    if module not in modules:
        raise AdapterError(f"The model has no '{path}'.")
    rank = config.rank(path)
    if not 0 < rank <= max_rank:
        raise AdapterError(f"The rank of '{path}' is {rank}; this server takes 1 to {max_rank} ('adapters.max_rank').")
    inputs, outputs = modules[module]
    down, up = (pair.get(side) for side in "AB")
    if down is None or up is None:
        raise AdapterError(f"'{path}' has only one of its two matrices.")
    if down.shape != (rank, inputs) or up.shape != (outputs, rank):
        raise AdapterError(
            f"The matrices of '{path}' are {down.shape} and {up.shape}, "
            f"but the model and the rank need {(rank, inputs)} and {(outputs, rank)}."
        )
    return Factors(_matrix(down, 1.0, path), _matrix(up, config.scaling(path), path))


def _matrix(stored: NDArray[Any], scaling: float, path: str) -> NDArray[np.float32]:
    """The other way round, as the graph wants it, and checked: one adapter's numbers must not spoil others' tokens."""
    try:
        matrix = np.ascontiguousarray(safetensors.floats(stored).T * np.float32(scaling))
    except ConversionError as error:
        raise AdapterError(f"'{path}': {error}") from None
    if not float(np.abs(matrix).max(initial=0.0)) <= _LARGEST:
        raise AdapterError(f"The matrices of '{path}' hold numbers that are no numbers, or beyond {_LARGEST:g}.")
    return matrix


def _pattern(patterns: Mapping[str, float], path: str, otherwise: float) -> float:
    """What the first pattern that is the end of ``path`` says."""
    for pattern, value in patterns.items():
        name = pattern.replace("\\", "").removesuffix("$")
        if path == name.removeprefix("^") or path.endswith(f".{name}"):
            return value
    return otherwise


_MLP: Final = TARGETS[4:]
_TARGETS: Final = ", ".join(TARGETS)
