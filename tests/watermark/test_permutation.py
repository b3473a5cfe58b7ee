"""The permutation of torch, as a set without a loop and in order with one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forebay.watermark.permutation import first, whole


@given(seed=st.integers(0, 2**64), size=st.integers(1, 300), share=st.floats(0, 1))
def test_the_first_are_the_first_of_the_whole(seed: int, size: int, share: float) -> None:
    count = int(size * share)
    assert set(np.flatnonzero(first(seed, size, count)).tolist()) == set(whole(seed, size)[:count].tolist())


def test_a_permutation_that_torch_gave() -> None:
    """``torch.randperm(10, generator=torch.Generator().manual_seed(42))``."""
    assert whole(42, 10).tolist() == TORCH


TORCH = [2, 6, 1, 8, 4, 5, 0, 9, 3, 7]
