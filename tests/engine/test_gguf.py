"""The reader of GGUF headers: what it tells, and that no file, however broken, does more than be refused."""

import array
import contextlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.engine import gguf
from forebay.engine.errors import GGUFError
from forebay.engine.metadata import Facts
from tests.support import tiny

LLAMA = tiny.llama()

numbers = st.one_of(st.booleans(), st.integers(0, 2**32 - 1), st.floats(width=32, allow_nan=False))
scalars = st.one_of(numbers, st.text(max_size=20))
lists = st.one_of(
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=9),
    st.lists(st.text(max_size=9), min_size=1, max_size=9),
    st.lists(st.lists(st.text(max_size=5), min_size=1, max_size=3), min_size=1, max_size=3),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gguf") / "model.gguf"


def written(place: Path, data: bytes) -> Path:
    place.write_bytes(data)
    return place


def test_it_tells_what_serving_needs(place: Path) -> None:
    assert gguf.read(written(place, LLAMA)) == Facts(
        architecture="llama",
        context_length=128,
        chat_template="{% for m in messages %}{{ m['content'] }}{% endfor %}",
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        eos_ids=(2, 0),
    )


def test_what_is_not_said_is_empty(place: Path) -> None:
    least = {"general.architecture": "qwen2", "qwen2.context_length": 32768}
    assert gguf.read(written(place, tiny.gguf(least))) == Facts(architecture="qwen2", context_length=32768)


def test_all_tokens_that_end_an_answer_are_found(place: Path) -> None:
    tokens = ["a", "<|im_end|>", "<|eot_id|>", "<|end|>", "</s>"]
    fields = tiny.LLAMA | {
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [1, 3, 3, 1, 3],  # "<|end|>" is plain text here
        "tokenizer.ggml.eos_token_id": 4,
        "tokenizer.ggml.eot_token_id": 2,
        "tokenizer.ggml.eom_token_id": 99,  # there is no such token
    }
    assert gguf.read(written(place, tiny.gguf(fields))).eos_ids == (4, 2, 1)


@given(fields=st.dictionaries(st.text(max_size=20).map("x.".__add__), st.one_of(scalars, lists), max_size=8))
def test_every_value_comes_back(place: Path, fields: dict[str, Any]) -> None:
    read = gguf.read_fields(written(place, tiny.gguf(fields)))
    assert {key: value.tolist() if isinstance(value, array.array) else value for key, value in read.items()} == fields


@pytest.mark.parametrize(
    ("kind", "code", "number"),
    [(0, "B", 255), (1, "b", -128), (2, "H", 65535), (3, "h", -5), (5, "i", -7), (10, "Q", 2**63), (11, "q", -1)],
)
def test_numbers_of_every_size_come_back(place: Path, kind: int, code: str, number: int) -> None:
    one = tiny.string("x") + struct.pack(f"<I{code}", kind, number)
    many = tiny.string("y") + struct.pack(f"<IIQ{code}{code}", 9, kind, 2, number, number)
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 2)
    read = gguf.read_fields(written(place, (head + one + many).ljust(256, b"\0")))
    assert read["x"] == number
    assert read["y"] == array.array(code, [number, number])


@given(st.binary(max_size=400))
def test_rubbish_is_an_error_and_nothing_else(place: Path, rubbish: bytes) -> None:
    for data in (rubbish, b"GGUF" + rubbish, b"GGUF" + struct.pack("<I", 3) + rubbish):
        if data.startswith(b"GGUF") and len(data) > 24 and not any(data[8:24]):
            continue  # an empty file is a valid one
        with pytest.raises(GGUFError):
            gguf.read_fields(written(place, data))


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_file_is_read_or_refused(place: Path, changes: list[tuple[int, int]]) -> None:
    data = bytearray(LLAMA)
    for at, byte in changes:
        data[at] = byte
    with contextlib.suppress(GGUFError):
        assert gguf.read(written(place, bytes(data))).context_length > 0


@given(st.integers(0, len(LLAMA) - 1))
def test_a_cut_off_file_is_refused(place: Path, length: int) -> None:
    with pytest.raises(GGUFError, match=r"cut off|not a GGUF file"):
        gguf.read(written(place, LLAMA[:length]))


@pytest.mark.parametrize("count", [2**63, 2**40, 2**32])
@pytest.mark.parametrize("kind", [0, tiny.STRING, tiny.ARRAY, 12])
def test_absurd_lengths_cost_nothing(place: Path, count: int, kind: int) -> None:
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + tiny.string("x") + struct.pack("<IIQ", tiny.ARRAY, kind, count)
    with pytest.raises(GGUFError, match="damaged or cut off"):
        gguf.read_fields(written(place, head + bytes(64)))


def test_endless_nesting_is_refused(place: Path) -> None:
    nested = struct.pack("<IQ", tiny.ARRAY, 1) * 1000
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + tiny.string("x") + struct.pack("<I", tiny.ARRAY)
    with pytest.raises(GGUFError, match="nests"):
        gguf.read_fields(written(place, head + nested))


def test_a_header_without_end_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf, "LIMIT", 1024)
    with pytest.raises(GGUFError, match="larger than"):
        gguf.read_fields(written(place, LLAMA))


def changed(**fields: Any) -> bytes:
    names = {key.replace("_", "."): value for key, value in fields.items()}
    least = {"general.architecture": "llama", "llama.context_length": 8}
    return tiny.gguf({key: value for key, value in (least | names).items() if value is not None})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a GGUF file"),
        (b"<!doctype html><html>", "not a GGUF file"),
        (tiny.gguf({}, version=1), "version 1 is not supported"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "version 50331648 is not supported"),
        (changed(general_architecture=None), "does not say which architecture"),
        (changed(general_architecture="clip"), "no language model"),
        (changed(split_count=3), "one part of a split model"),
        (changed(general_alignment=0), "alignment"),
        (changed(general_alignment="x"), "alignment"),
        (changed(general_architecture=7), "'general.architecture' should be str"),
        (
            tiny.gguf({}).replace(struct.pack("<QQ", 0, 0), struct.pack("<QQ", 0, 2))
            + 2 * (tiny.string("k") + tiny.value(1)),
            "damaged or cut off|twice",
        ),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + tiny.string("x") + struct.pack("<I", 77) + bytes(99),
            "unknown type 77",
        ),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + tiny.string("t") + struct.pack("<I", 9) + bytes(99), "9 dimensions"),
    ],
)
def test_what_is_wrong_is_said(place: Path, data: bytes, message: str) -> None:
    with pytest.raises(GGUFError, match=message):
        gguf.read(written(place, data))


def test_a_key_may_stand_only_once(place: Path) -> None:
    twice = b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + 2 * (tiny.string("key") + tiny.value(1))
    with pytest.raises(GGUFError, match="'key' stands in it twice"):
        gguf.read_fields(written(place, twice))


def test_weights_of_an_unknown_type_are_let_pass(place: Path) -> None:
    data = tiny.gguf({"x": 1}, {"w": np.zeros((4, 4), np.float32)})
    kind_at = data.index(tiny.string("w")) + 9 + 4 + 16
    assert gguf.read_fields(written(place, data[:kind_at] + struct.pack("<I", 250) + data[kind_at + 4 :])) == {"x": 1}
