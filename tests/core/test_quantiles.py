"""Quantiles beside numpy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.quantiles import quantile


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_numpys(values: list[float], share: float) -> None:
    assert quantile(sorted(values), share) == pytest.approx(float(np.quantile(values, share)), rel=1e-9, abs=1e-9)


def test_the_middle_of_two_is_between_them() -> None:
    assert quantile([1.0, 3.0], 0.5) == 2.0
