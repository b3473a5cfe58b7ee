"""Sentences as vectors, by all-MiniLM-L6-v2 (or any model of its kind) on OpenVINO: no torch.

`build` makes the graph from the weights: BERT, the mean of all positions, length one. `Embedder` runs it.

One text is one run of the graph: a batch would be a little faster, but then the last bits of a vector would depend on
its companions, and whoever compares or caches vectors would see it.

Source: Devlin et al., "BERT" (2018); Reimers and Gurevych, "Sentence-BERT" (2019); the settings come with the weights.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from forebay.engine import eight_bits, safetensors
from forebay.engine.errors import ConversionError
from forebay.engine.openvino_core import core
from forebay.engine.wordpiece import WordPiece

VOCABULARY: Final = "vocab.txt"
MODEL: Final = "openvino_model.xml"
_WEIGHTS: Final = "model.safetensors"
_CONFIG: Final = "config.json"
_WORDS: Final = "embeddings.word_embeddings.weight"

_WARM_UP: Final = 16

Vector = NDArray[np.float32]
Precision = Literal["f32", "i8"]


class Config(msgspec.Struct, frozen=True):
    """The shape of a BERT model, as its ``config.json`` gives it."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    max_position_embeddings: int
    layer_norm_eps: float
    hidden_act: str
    model_type: str


def read_config(folder: Path) -> Config:
    """The configuration of the model in ``folder``.

    Raises:
        ConversionError: there is none, or it is of another kind than can be built here.
    """
    try:
        config = msgspec.json.decode((folder / _CONFIG).read_bytes(), type=Config)
    except (OSError, msgspec.DecodeError) as error:
        raise ConversionError(f"{folder / _CONFIG} cannot be read: {error}") from None
    if config.model_type != "bert" or config.hidden_act != "gelu":
        raise ConversionError(f"{folder} holds a model of the kind {config.model_type}, {config.hidden_act}, not BERT.")
    return config


def convert(source: Path, target: Path) -> None:
    """Write the model in ``source`` (weights, configuration, vocabulary) to ``target``, in OpenVINO's form.

    Raises:
        ConversionError: ``source`` lacks something, or it does not fit together.
        OSError: a file cannot be read or written.
    """
    weights = safetensors.read(source / _WEIGHTS)
    model = build(read_config(source), weights)
    if len(read_vocabulary(source)) != len(weights[_WORDS]):
        raise ConversionError(f"{source / VOCABULARY} does not fit the model's weights.")
    ov.save_model(model, target / MODEL, compress_to_fp16=False)
    (target / VOCABULARY).write_bytes((source / VOCABULARY).read_bytes())


def read_vocabulary(folder: Path) -> list[str]:
    """The word pieces of the model in ``folder``, each at the place that is its number.

    Raises:
        OSError: the file cannot be read.
    """
    # Not ``splitlines``: that would also cut at characters that are pieces of their own.
    return (folder / VOCABULARY).read_text(encoding="utf-8").removesuffix("\n").split("\n")


def build(config: Config, weights: dict[str, NDArray[Any]]) -> ov.Model:
    """The graph: ``input_ids[T]`` → ``embedding[hidden_size]`` of length one.

    Raises:
        ConversionError: a tensor is missing.
    """
    try:
        return _Graph(config, weights).model()
    except KeyError as error:
        raise ConversionError(f"The weights of the model lack the tensor {error}.") from None


class _Graph:
    """Puts the operations of one model together; each method returns the last node of its part."""

    def __init__(self, config: Config, weights: dict[str, NDArray[Any]]) -> None:
        self._config = config
        self._weights = weights

    def model(self) -> ov.Model:
        ids = op.parameter([-1], np.int64, name="input_ids")
        ids.output(0).set_names({"input_ids"})
        hidden = self._embedded(ids)
        for number in range(self._config.num_hidden_layers):
            hidden = self._layer(hidden, f"encoder.layer.{number}")
        # All positions are text (there is no padding), so the plain mean is the masked mean.
        mean = op.reduce_mean(hidden, _integers([0]))
        result = op.normalize_l2(mean, _integers([0]), 1e-12, "max")
        result.output(0).set_names({"embedding"})
        return ov.Model([result], [ids], "sentence_embedding")

    def _embedded(self, ids: ov.Node) -> ov.Node:
        zero, axis = _integers([0]), op.constant(np.int64(0))
        words = op.gather(self._weight(_WORDS), ids, axis)
        positions = op.slice(
            self._weight("embeddings.position_embeddings.weight"),
            zero,
            op.shape_of(ids, "i64"),
            _integers([1]),
            zero,
        )
        first_kind = op.gather(self._weight("embeddings.token_type_embeddings.weight"), zero, axis)
        return self._norm(op.add(op.add(words, positions), first_kind), "embeddings.LayerNorm")

    def _layer(self, hidden: ov.Node, name: str) -> ov.Node:
        attention = self._linear(self._attention(hidden, f"{name}.attention.self"), f"{name}.attention.output.dense")
        hidden = self._norm(op.add(hidden, attention), f"{name}.attention.output.LayerNorm")
        inner = op.gelu(self._linear(hidden, f"{name}.intermediate.dense"), "erf")
        outer = self._linear(inner, f"{name}.output.dense")
        return self._norm(op.add(hidden, outer), f"{name}.output.LayerNorm")

    def _attention(self, hidden: ov.Node, name: str) -> ov.Node:
        """Every position looks at every other: ``[T, H]`` → heads ``[1, heads, T, size]`` → ``[T, H]``."""
        heads = self._config.num_attention_heads
        split = _integers([1, -1, heads, self._config.hidden_size // heads])
        order = _integers([0, 2, 1, 3])
        query, key, value = (
            op.transpose(op.reshape(self._linear(hidden, f"{name}.{part}"), split, special_zero=False), order)
            for part in ("query", "key", "value")
        )
        looked = op.transpose(op.scaled_dot_product_attention(query, key, value), order)
        return op.reshape(looked, _integers([-1, self._config.hidden_size]), special_zero=False)

    def _linear(self, value: ov.Node, name: str) -> ov.Node:
        product = op.matmul(value, self._weight(f"{name}.weight"), transpose_a=False, transpose_b=True)
        return op.add(product, self._weight(f"{name}.bias"))

    def _norm(self, value: ov.Node, name: str) -> ov.Node:
        last = _integers([-1])
        plain = op.mvn(value, last, True, self._config.layer_norm_eps, "inside_sqrt")  # noqa: FBT003 - positional there
        return op.add(op.multiply(plain, self._weight(f"{name}.weight")), self._weight(f"{name}.bias"))

    def _weight(self, name: str) -> ov.Node:
        return op.constant(self._weights[name].astype(np.float32, copy=False), name=name)


def _integers(values: Sequence[int]) -> ov.Node:
    return op.constant(np.array(values, np.int64))


class Embedder:
    """A converted model, ready to run; for one thread at a time."""

    def __init__(self, folder: Path, *, threads: int, precision: Precision = "f32") -> None:
        """``folder``: what `convert` wrote; ``threads``: how many the CPU may use for one text (0: as OpenVINO likes).

        In ``i8`` a vector takes about half the time, and its cosine with that of ``f32`` is 0.999.

        Raises:
            RuntimeError: OpenVINO cannot read the model.
            OSError: a file cannot be read.
        """
        self.tokenizer = WordPiece(read_vocabulary(folder))
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        model = core().read_model(folder / MODEL)
        if precision == "i8":
            eight_bits.round_weights(model)
            settings |= eight_bits.SETTINGS
        compiled = core().compile_model(model, "CPU", settings)
        self._request = compiled.create_infer_request()
        self.dimensions: int = compiled.output(0).partial_shape[0].get_length()
        # OpenVINO 2026.4 on the CPU: when the first text ever has one token, the attention of every later one with 16
        # or more is wrong. So the first one is ours.
        self.embed([self.tokenizer.sep] * _WARM_UP)

    def tokens(self, text: str, limit: int) -> list[int]:
        """The numbers of ``text`` with the model's frame around them: all, or just more than ``limit`` of them."""
        return self.frame(islice(self.tokenizer.encode(text), limit))

    def frame(self, numbers: Iterator[int] | Sequence[int]) -> list[int]:
        """``numbers`` with the begin and the end that the model was trained with."""
        return [self.tokenizer.cls, *numbers, self.tokenizer.sep]

    def is_framed(self, numbers: Sequence[int]) -> bool:
        """Whether ``numbers`` begin and end as `frame` has it."""
        return len(numbers) > 1 and numbers[0] == self.tokenizer.cls and numbers[-1] == self.tokenizer.sep

    def embed(self, numbers: Sequence[int]) -> Vector:
        """The vector, of length one, of the text with these (framed) numbers."""
        self._request.infer({0: np.asarray(numbers, np.int64)})
        return np.array(self._request.get_output_tensor(0).data, np.float32)
