"""Blocks of GGUF mean what they mean to the package of ggml's makers, and codes keep them."""

import gguf
import numpy as np
import pytest
from gguf.quants import dequantize
from numpy.typing import NDArray

from forebay.engine.decoder import codes, ggml
from forebay.engine.errors import ConversionError

pytestmark = pytest.mark.engine

KINDS = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]
COLUMNS = 512


def blocks(kind: gguf.GGMLQuantizationType, rows: int = 3) -> NDArray[np.uint8]:
    """Random blocks whose scales are ordinary numbers, [rows, bytes]."""
    weights, size = gguf.GGML_QUANT_SIZES[kind]
    random = np.random.default_rng(0)
    if weights == 1:
        values = random.normal(0, 1, (rows, COLUMNS)).astype(np.float32)
        return np.asarray(gguf.quants.quantize(values, kind)).view(np.uint8).reshape(rows, -1)
    data = random.integers(0, 256, (rows, COLUMNS // weights, size), np.uint8)
    places = {"Q4_1": (0, 2), "Q5_1": (0, 2), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}.get(kind.name, (0,))
    for place in places:
        scales = random.uniform(-0.1, 0.1, data.shape[:2]).astype("<f2")
        data[..., place : place + 2] = scales.view(np.uint8).reshape(*data.shape[:2], 2)
    return data.reshape(rows, -1)


@pytest.mark.parametrize("name", KINDS)
def test_values_are_those_of_ggml(name: str) -> None:
    kind = gguf.GGMLQuantizationType[name]
    data = blocks(kind)
    expected = dequantize(data, kind).reshape(3, COLUMNS)
    found = ggml.values(kind.value, data.reshape(-1), "x").reshape(3, COLUMNS)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_codes_keep_them_to_half_a_code(name: str) -> None:
    kind = gguf.GGMLQuantizationType[name]
    data = blocks(kind)
    expected = dequantize(data, kind).reshape(3, -1, codes.GROUP)
    found = ggml.matrix(kind.value, data.reshape(-1), COLUMNS, "x")
    assert found.shape == (3, COLUMNS)
    assert found.bits == (4 if name == "Q4_0" else 8)
    error = np.abs(found.values().reshape(expected.shape) - expected)
    assert (error <= np.abs(expected).max(axis=-1, keepdims=True) / 250).all()
    if name in ("Q4_0", "Q8_0"):
        assert not error.any()


def test_a_type_that_is_not_known_is_named() -> None:
    with pytest.raises(ConversionError, match=r"'blk.0.attn_q.weight' .*ggml's type 16"):
        ggml.matrix(16, np.zeros(66, np.uint8), 256, "blk.0.attn_q.weight")
