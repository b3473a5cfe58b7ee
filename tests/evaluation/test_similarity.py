"""Likenesses are from 0 to 1, and what is the same is as like as can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.evaluation.similarity import cosine, overlap


@given(st.text(), st.text())
def test_the_overlap_of_texts_is_a_likeness(one: str, other: str) -> None:
    assert 0 <= overlap(one, other) <= 1
    assert overlap(one, other) == pytest.approx(overlap(other, one))
    assert overlap(one, one) == 1


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=3), st.lists(st.floats(-10, 10), min_size=3, max_size=3))
def test_the_cosine_is_one_too(one: list[float], other: list[float]) -> None:
    assert 0 <= cosine(one, other) <= 1
    if max(map(abs, one)) > 1e-3:
        assert cosine(one, one) == pytest.approx(1)
