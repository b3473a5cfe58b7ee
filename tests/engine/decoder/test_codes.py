"""Matrices of codes: how near they are, and that OpenVINO reads from them what stands in them."""

import numpy as np
import openvino as ov
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from openvino import opset13 as op

from forebay.engine.decoder import codes
from forebay.engine.decoder.codes import Codes
from forebay.engine.openvino_core import core

pytestmark = pytest.mark.engine

matrices = arrays.arrays(
    np.float32,
    st.sampled_from([(1, 32), (3, 64), (2, 20), (5, 33)]),
    elements=st.floats(-1000, 1000, width=32, allow_subnormal=False),
)


@given(values=matrices)
def test_each_weight_is_within_half_a_code(values: codes.Floats) -> None:
    made = codes.quantised(values)
    assert made.shape == values.shape
    groups = values.reshape(made.codes.shape)
    largest = np.abs(groups).max(axis=-1, keepdims=True)
    # A scale has 16 bits: its own rounding counts for up to 127 codes, and below the smallest there are none.
    assert (np.abs(made.values().reshape(groups.shape) - groups) <= largest * (0.5 / 127 + 2**-10) + 4e-6).all()


@pytest.mark.parametrize("bits", [4, 8])
def test_openvino_computes_with_what_stands_there(bits: int) -> None:
    random = np.random.default_rng(0)
    limit = 2 ** (bits - 1)
    matrix = Codes(
        random.integers(-limit, limit, (6, 2, 32)).astype(np.int8),
        random.uniform(0.01, 1, (6, 2, 1)).astype(np.float16),
        bits,  # type: ignore[arg-type]
    )
    parameter = op.parameter([-1, 64], np.float32)
    product = op.matmul(parameter, codes.node(matrix), transpose_a=False, transpose_b=True)
    exact = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}
    request = core().compile_model(ov.Model([op.result(product)], [parameter]), "CPU", exact).create_infer_request()
    request.infer({0: np.eye(64, dtype=np.float32)})
    np.testing.assert_allclose(request.get_output_tensor(0).data.T, matrix.values(), rtol=1e-5)


def test_joined_rows_are_of_the_most_bits() -> None:
    narrow = Codes(np.full((1, 1, 32), -8, np.int8), np.ones((1, 1, 1), np.float16), 4)
    wide = codes.quantised(np.full((2, 32), 3, np.float32))
    both = codes.joined([narrow, wide])
    assert both.bits == 8
    np.testing.assert_allclose(both.values(), [[-8] * 32, [3] * 32, [3] * 32], rtol=1e-3)
