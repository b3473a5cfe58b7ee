"""Tokens are bytes of the text, all of them, however long it is."""

import shutil
import time
from pathlib import Path

import openvino as ov
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from forebay.engine import facts, metadata
from forebay.engine.errors import LibraryError
from forebay.engine.tokenizer import Tokenizer, TokenizerError

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def tokenizer(smollm2: Path) -> Tokenizer:
    return Tokenizer(smollm2)


def text_of(tokenizer: Tokenizer, tokens: list[int]) -> str:
    return b"".join(tokenizer.pieces[token] for token in tokens).decode()


@given(text=st.text())
@example(text="ends with\0\0")
def test_tokens_give_the_text_again(tokenizer: Tokenizer, text: str) -> None:
    # This model has no token for some bytes that its training never met.
    assume(all(bytes([byte]) in tokenizer.names for byte in text.encode()))
    assert text_of(tokenizer, tokenizer.encode(text)) == text


def test_what_a_model_knows_it_by(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode("<|im_start|>user\nHello wörld")
    assert [tokenizer.names[token] for token in tokens] == [
        b"<|im_start|>", b"user", b"\n", b"Hello", b" w", "ör".encode(), b"ld",
    ]  # fmt: skip
    assert tokenizer.pieces[tokens[0]] == b""
    assert tokens[0] in tokenizer.special
    assert tokenizer.bos == 1
    assert tokenizer.eos == 2
    assert tokenizer.prefix == []


def test_long_texts_are_not_cut_and_take_no_time(tokenizer: Tokenizer) -> None:
    for text in ("word river " * 20_000, "a" * 100_000, "漢" * 50_000, "\n" * 100_000):
        start = time.process_time()
        assert text_of(tokenizer, tokenizer.encode(text)) == text
        assert time.process_time() - start < 2


def test_an_empty_text_has_no_tokens(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("") == []


def test_a_detokenizer_of_another_kind_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_llama, tmp_path / "model"))
    parameter = ov.opset13.parameter([-1, -1], int)
    ov.save_model(ov.Model([ov.opset13.result(parameter)], [parameter]), folder / "openvino_detokenizer.xml")
    with pytest.raises(TokenizerError, match="VocabDecoder"):
        Tokenizer(folder)


def test_facts_of_the_library_and_of_an_exporter(tiny_llama: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer(tiny_llama)
    known = facts.of(tiny_llama, tokenizer)
    assert known.context_length == 128
    assert known.eos_ids == (2, 0)
    (tmp_path / "config.json").write_text(
        '{"model_type": "llama", "max_position_embeddings": 99, "eos_token_id": [2, 5]}'
    )
    exported = facts.of(tmp_path, tokenizer)
    assert exported.context_length == 99
    assert sorted(exported.eos_ids) == [2, 5]
    assert exported.chat_template == known.chat_template
    assert (exported.bos_token, exported.eos_token) == ("<|im_start|>", "<|im_end|>")


@pytest.mark.parametrize("name", ["config.json", metadata.FILE])
def test_damaged_facts_are_told(tiny_llama: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(LibraryError, match=name):
        facts.of(tmp_path, Tokenizer(tiny_llama))


def test_no_facts_are_told(tiny_llama: Path, tmp_path: Path) -> None:
    with pytest.raises(LibraryError):
        facts.of(tmp_path, Tokenizer(tiny_llama))
