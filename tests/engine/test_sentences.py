"""The embedder of the semantic cache: eight bits, and vectors that depend on the text alone."""

import random
from array import array
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from forebay.core.entries import CacheUnavailableError
from forebay.engine.minilm import Embedder
from forebay.engine.sentences import SentenceEmbedder
from forebay.plugins import EMBEDDERS

pytestmark = pytest.mark.engine


@pytest.fixture
async def embedder(minilm: Path) -> AsyncIterator[SentenceEmbedder]:
    assert minilm
    made = SentenceEmbedder()
    await made.start()
    yield made
    await made.close()


async def vector(embedder: SentenceEmbedder, text: str) -> "array[float]":
    made = await embedder.embed(text)
    assert made is not None
    return made


async def test_its_vectors_are_nearly_those_of_the_whole_model(embedder: SentenceEmbedder, minilm: Path) -> None:
    whole = Embedder(minilm, threads=1)
    for text in ("What is DNS?", "How do I bake bread for twelve guests in a small oven?", "word " * 300):
        expected = whole.embed(whole.tokens(text, 512))
        assert float(np.array(await vector(embedder, text)) @ expected) > 0.995


async def test_a_vector_does_not_depend_on_what_came_before(embedder: SentenceEmbedder) -> None:
    choose = random.Random(0)
    texts = [
        " ".join(choose.choices(["what", "is", "the", "best", "way", "to", "bake", "bread"], k=length))
        for length in range(1, 40)
    ]
    first = {text: (await vector(embedder, text)).tobytes() for text in texts}
    choose.shuffle(texts)
    assert {text: (await vector(embedder, text)).tobytes() for text in texts} == first


async def test_what_it_cannot_read_whole_has_no_vector(embedder: SentenceEmbedder) -> None:
    assert await embedder.embed("word " * 510) is not None
    assert await embedder.embed("word " * 511) is None


async def test_its_name_says_what_made_the_vectors(embedder: SentenceEmbedder) -> None:
    assert embedder.dimensions == 384
    assert embedder.name.startswith("all-minilm-l6-v2@")
    assert embedder.name.endswith("/openvino-i8-64")


async def test_it_cannot_be_asked_before_its_start() -> None:
    embedder = SentenceEmbedder()
    with pytest.raises(CacheUnavailableError):
        await embedder.embed("x")
    await embedder.close()


def test_it_is_found_by_its_name() -> None:
    assert isinstance(EMBEDDERS.plugin("minilm").build(), SentenceEmbedder)
