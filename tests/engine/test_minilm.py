"""The sentence embedder: its graph against numpy, its vectors against those of the model's authors."""

import json
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from forebay.engine import minilm as module
from forebay.engine.errors import ConversionError
from forebay.engine.minilm import Embedder, Vector
from forebay.engine.openvino_core import core
from tests.support import tiny

pytestmark = pytest.mark.engine

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def real(minilm: Path) -> Embedder:
    return Embedder(minilm, threads=1)


@pytest.fixture(scope="module")
def small(tiny_bert: Path) -> Embedder:
    return Embedder(tiny_bert, threads=1)


def vector(embedder: Embedder, text: str) -> Vector:
    return embedder.embed(embedder.tokens(text, 512))


def real_weights(folder: Path) -> dict[str, NDArray[Any]]:
    nodes = core().read_model(folder / "openvino_model.xml").get_ordered_ops()
    return {node.get_friendly_name(): node.data for node in nodes if node.get_type_name() == "Constant"}


class Plain:
    """BERT in numpy, as its paper has it: slow, in double precision, and written apart from the graph."""

    def __init__(self, weights: Mapping[str, NDArray[Any]], *, layers: int, heads: int) -> None:
        self.weights = {name: weight.astype(np.float64) for name, weight in weights.items()}
        self.layers = layers
        self.heads = heads

    def embed(self, numbers: list[int]) -> Array:
        hidden = self.weights["embeddings.word_embeddings.weight"][numbers]
        hidden = hidden + self.weights["embeddings.position_embeddings.weight"][: len(numbers)]
        hidden = self.norm(hidden + self.weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(self.layers):
            hidden = self.layer(hidden, f"encoder.layer.{layer}")
        mean = hidden.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean))

    def layer(self, hidden: Array, name: str) -> Array:
        query, key, value = (self.linear(hidden, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
        seen = []
        size = hidden.shape[1] // self.heads
        for head in (slice(begin, begin + size) for begin in range(0, hidden.shape[1], size)):
            scores = query[:, head] @ key[:, head].T / math.sqrt(size)
            odds = np.exp(scores - scores.max(axis=1, keepdims=True))
            seen.append(odds / odds.sum(axis=1, keepdims=True) @ value[:, head])
        looked = self.linear(np.concatenate(seen, axis=1), f"{name}.attention.output.dense")
        hidden = self.norm(hidden + looked, f"{name}.attention.output.LayerNorm")
        inner = self.linear(hidden, f"{name}.intermediate.dense")
        inner = inner / 2 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        return self.norm(hidden + self.linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def linear(self, value: Array, name: str) -> Array:
        return np.asarray(value @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"])

    def norm(self, value: Array, name: str) -> Array:
        spread = np.sqrt(value.var(axis=1, keepdims=True) + 1e-12)
        plain = (value - value.mean(axis=1, keepdims=True)) / spread
        return np.asarray(plain * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"])


ORDERS = [
    range(1, 17),
    range(16, 0, -1),
    [1, 16],
    [2, 16],
    [16, 1, 16, 2, 16],
    random.Random(0).choices(range(1, 17), k=50),
]


@pytest.mark.parametrize("lengths", ORDERS)
def test_the_graph_computes_what_bert_is_whatever_came_before(tiny_bert: Path, lengths: Sequence[int]) -> None:
    """OpenVINO chooses kernels by what it sees first, and once chose wrong ones: so each order gets a fresh model."""
    embedder = Embedder(tiny_bert, threads=1)
    plain = Plain(tiny.bert_weights(), layers=2, heads=2)
    choose = random.Random(0)
    for length in lengths:
        numbers = choose.choices(range(len(tiny.VOCABULARY)), k=length)
        np.testing.assert_allclose(embedder.embed(numbers), plain.embed(numbers), atol=1e-5, err_msg=f"{length} tokens")


@pytest.mark.parametrize("lengths", [[1, 2, 15, 16, 33], [2, 64, 17]])
def test_the_real_model_computes_what_bert_is(minilm: Path, lengths: Sequence[int]) -> None:
    embedder = Embedder(minilm, threads=1)
    plain = Plain(real_weights(minilm), layers=6, heads=12)
    choose = random.Random(0)
    for length in lengths:
        numbers = choose.choices(range(1000, 30000), k=length)
        np.testing.assert_allclose(embedder.embed(numbers), plain.embed(numbers), atol=2e-6, err_msg=f"{length} tokens")


def test_the_vectors_are_those_of_the_authors(real: Embedder) -> None:
    found = vector(real, "This is an example sentence")
    np.testing.assert_allclose(found[:4], [0.0676569, 0.0634959, 0.0487131, 0.0793049], atol=1e-6)


def test_a_vector_has_384_numbers_and_length_one(real: Embedder) -> None:
    found = vector(real, "anything")
    assert found.shape == (real.dimensions,) == (384,)
    assert found.dtype == np.float32
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "alike", "unlike"),
    [
        ("How do I reset my password?", "I forgot my password, what now?", "The cat sat on the mat."),
        ("A man is eating pasta.", "Someone has spaghetti for lunch.", "The stock market fell sharply today."),
        ("The new movie is awesome", "This recent film is great", "How to boil an egg"),
    ],
)
def test_what_means_the_same_is_near(real: Embedder, text: str, alike: str, unlike: str) -> None:
    near = vector(real, text) @ vector(real, alike)
    far = vector(real, text) @ vector(real, unlike)
    assert near > 0.5
    assert far < 0.2


def test_a_vector_does_not_depend_on_what_came_before(real: Embedder) -> None:
    choose = random.Random(0)
    texts = [choose.choices(range(1000, 30000), k=choose.randrange(1, 120)) for _ in range(25)]
    first = [real.embed(text).tobytes() for text in texts]
    order = choose.sample(range(len(texts)), len(texts))
    assert {index: real.embed(texts[index]).tobytes() for index in order} == dict(enumerate(first))


def test_a_vector_is_not_changed_by_the_next(small: Embedder) -> None:
    first = small.embed([2, 5, 3])
    before = first.copy()
    small.embed([2, 6, 3])
    assert (first == before).all()


def test_all_512_positions_can_be_used(real: Embedder) -> None:
    whole = real.embed([101, *[2000] * 255, *[3000] * 255, 102])
    part = real.embed([101, *[2000] * 255, 102])
    assert np.linalg.norm(whole) == pytest.approx(1, abs=1e-6)
    assert whole @ part < 0.999


def test_a_text_gets_its_frame(small: Embedder) -> None:
    assert small.tokens("Hello, world!", 16) == [2, 8, 10, 9, 11, 3]
    assert small.tokens("", 16) == [2, 3]
    assert small.is_framed([2, 3])
    assert not any(map(small.is_framed, ([], [2], [3], [2, 8], [8, 3], [3, 2])))


def test_no_more_is_read_of_a_long_text_than_shows_that_it_is_too_long(small: Embedder) -> None:
    assert len(small.tokens("hello " * 1000, 16)) == 18


def broken(folder: Path, name: str, data: bytes | None) -> Path:
    source = tiny.bert(folder)
    if data is None:
        (source / name).unlink()
    else:
        (source / name).write_bytes(data)
    return source


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("config.json", None, "config.json cannot be read"),
        ("config.json", b"{}", "config.json cannot be read"),
        ("config.json", json.dumps(tiny.BERT | {"model_type": "roberta"}).encode(), "roberta, gelu, not BERT"),
        ("config.json", json.dumps(tiny.BERT | {"hidden_act": "relu"}).encode(), "bert, relu, not BERT"),
        ("config.json", json.dumps(tiny.BERT | {"num_hidden_layers": 3}).encode(), "lack the tensor 'encoder.layer.2"),
        ("model.safetensors", b"", "not a whole safetensors file"),
        ("vocab.txt", b"[PAD]\n[UNK]\n", "does not fit"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(tmp_path: Path, name: str, data: bytes | None, message: str) -> None:
    (tmp_path / "target").mkdir()
    with pytest.raises(ConversionError, match=message):
        module.convert(broken(tmp_path / "source", name, data), tmp_path / "target")
