"""The reader of safetensors: what it tells, and that no broken file does more than be refused."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.engine import safetensors
from forebay.engine.errors import ConversionError
from tests.support import tiny


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("safetensors") / "model.safetensors"


def written(place: Path, data: bytes) -> Path:
    # A file that is mapped must not be cut, so each one is a new file.
    place.unlink(missing_ok=True)
    place.write_bytes(data)
    return place


def file(header: Any, data: bytes = b"") -> bytes:
    described = json.dumps(header).encode()
    return struct.pack("<Q", len(described)) + described + data


def test_tensors_come_back(place: Path) -> None:
    weights = tiny.bert_weights()
    read = safetensors.read(written(place, tiny.safetensors(weights)))
    assert read.keys() == weights.keys()
    assert all((read[name] == weights[name]).all() for name in weights)


def test_what_comes_back_cannot_be_changed(place: Path) -> None:
    (tensor,) = safetensors.read(written(place, tiny.safetensors({"a": np.ones(2)}))).values()
    with pytest.raises(ValueError, match="read-only"):
        tensor[0] = 2


@pytest.mark.parametrize(("name", "dtype"), [("F16", "<f2"), ("I64", "<i8"), ("U8", "u1"), ("BOOL", "?")])
def test_other_types_are_read(place: Path, name: str, dtype: str) -> None:
    data = np.array([1, 0, 1], dtype).tobytes()
    header = {"a": {"dtype": name, "shape": [3], "data_offsets": [0, len(data)]}}
    assert safetensors.read(written(place, file(header, data)))["a"].tolist() == [1, 0, 1]


def test_bfloat16_becomes_floats(place: Path) -> None:
    numbers = np.array([1.0, -2.5, 3.140625], np.float32)
    data = (numbers.view(np.uint32) >> 16).astype("<u2").tobytes()
    header = {"a": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}
    tensor = safetensors.read(written(place, file(header, data)))["a"]
    assert tensor.nbytes == 6
    assert safetensors.floats(tensor).tolist() == numbers.tolist()


def test_what_is_no_float_is_refused(place: Path) -> None:
    header = {"a": {"dtype": "I16", "shape": [3], "data_offsets": [0, 6]}}
    tensor = safetensors.read(written(place, file(header, bytes(6))))["a"]
    with pytest.raises(ConversionError, match="int16"):
        safetensors.floats(tensor)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a whole safetensors file"),
        (bytes(100), "not a whole safetensors file"),
        (b"\xff" * 100, "not a whole safetensors file"),
        (struct.pack("<Q", 10) + b"0123456789", "header cannot be read"),
        (file([1]), "header cannot be read"),
        (file({"a": 1}), "header cannot be read"),
        (file({"a": {"dtype": "F4", "shape": [1], "data_offsets": [0, 1]}}, b"1"), "F4, which is not supported"),
        (file({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, bytes(4)), "lies outside"),
        (file({"a": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}, bytes(8)), "lies outside"),
        (file({"a": {"dtype": "F32", "shape": [2], "data_offsets": [-4, 4]}}, bytes(8)), "lies outside"),
        (file({"a": {"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]}}, bytes(8)), "lies outside"),
        (tiny.safetensors({"a": np.ones(9)})[:-1], "lies outside"),
    ],
)
def test_what_is_wrong_is_said(place: Path, data: bytes, message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        safetensors.read(written(place, data))


@given(st.binary(max_size=200))
def test_rubbish_is_an_error_and_nothing_else(place: Path, rubbish: bytes) -> None:
    for data in (rubbish, struct.pack("<Q", len(rubbish)) + rubbish):
        if rubbish.strip() == b"{}":
            continue
        with pytest.raises(ConversionError):
            safetensors.read(written(place, data))
