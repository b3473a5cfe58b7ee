"""BERT's tokenizer: the same numbers as Hugging Face's tokenizers gave (``wordpiece.json``), for whatever text."""

import itertools
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.engine.minilm import read_vocabulary
from forebay.engine.wordpiece import WordPiece
from tests.support import tiny

pytestmark = pytest.mark.engine

GOLDEN = json.loads((Path(__file__).parent / "wordpiece.json").read_text())

TINY = WordPiece(tiny.VOCABULARY)


@pytest.fixture(scope="module")
def real(minilm: Path) -> WordPiece:
    return WordPiece(read_vocabulary(minilm))


@pytest.mark.parametrize(("text", "numbers"), GOLDEN)
def test_the_numbers_are_those_of_the_reference(real: WordPiece, text: str, numbers: list[int]) -> None:
    assert list(real.encode(text)) == numbers


def test_the_vocabulary_is_whole(real: WordPiece) -> None:
    assert len(real) == 30522
    assert (real.cls, real.sep) == (101, 102)


@given(st.text())
def test_every_text_has_numbers(text: str) -> None:
    assert all(0 <= number < len(TINY) for number in TINY.encode(text))


words = st.text("aAbB,!. \n\u00e4\u0301\u4e2d\u200b[]", max_size=30)


@given(words, words)
def test_texts_side_by_side_do_not_touch(one: str, other: str) -> None:
    assert list(TINY.encode(f"{one} {other}")) == [*TINY.encode(one), *TINY.encode(other)]


@given(words)
def test_capitals_make_no_difference(text: str) -> None:
    assert list(TINY.encode(text.upper())) == list(TINY.encode(text.lower()))


@given(words.map(lambda text: text * 150))
def test_long_words_are_cut_as_short_ones_are(text: str) -> None:
    apart = list(TINY.encode(text.replace(",", " , ").replace("!", " ! ").replace(".", " . ")))
    assert list(TINY.encode(text)) == apart


@pytest.mark.parametrize(
    "text", ["a" * 5 * 10**6, "\u4e2d" * 10**6, "\u200b" * 10**6, " " * 10**6, "[SEP]" * 10**6, "a " * 10**6]
)
def test_reading_a_few_numbers_of_a_huge_text_is_quick(text: str) -> None:
    start = time.process_time()
    assert len(list(itertools.islice(TINY.encode(text), 512))) in (0, 1, 512)
    assert time.process_time() - start < 2


def test_a_vocabulary_without_special_pieces_is_refused() -> None:
    with pytest.raises(KeyError):
        WordPiece(["a", "b"])
