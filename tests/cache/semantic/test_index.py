"""The vectors: the nearest of the right scope, whichever way they are kept."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forebay.cache.semantic.index import Vectors, packed

DIMENSIONS = 16


def some(seed: int) -> bytes:
    return packed(np.random.default_rng(seed).normal(size=DIMENSIONS).astype(np.float32))


def cosine(one: bytes, other: bytes) -> float:
    here, there = (np.frombuffer(vector, np.int8).astype(float) for vector in (one, other))
    return float(here @ there / np.linalg.norm(here) / np.linalg.norm(there))


@example([1e-45] * DIMENSIONS)
@given(st.lists(st.floats(-1, 1, width=32), min_size=DIMENSIONS, max_size=DIMENSIONS))
def test_packing_keeps_the_direction(numbers: list[float]) -> None:
    vector = np.array(numbers, np.float32)
    small = np.frombuffer(packed(vector), np.int8).astype(float)
    assert abs(small).max() == 127 or not vector.any()
    if np.linalg.norm(vector) > 0.1:
        assert vector @ small / np.linalg.norm(vector) / np.linalg.norm(small) > 0.999


@pytest.mark.parametrize("graph_from", [4, 1000])
def test_the_nearest_come_first_with_their_cosine(graph_from: int) -> None:
    vectors = Vectors(DIMENSIONS, graph_from)
    for number in range(100):
        vectors.add(b"s", number, some(number))
    asked = some(1000)
    expected = sorted(((cosine(some(number), asked), number) for number in range(100)), reverse=True)[:5]
    found = vectors.nearest(b"s", asked, 5)
    assert [near.number for near in found] == [number for _, number in expected]
    assert [near.cosine for near in found] == pytest.approx([value for value, _ in expected], abs=1e-3)


def test_a_vector_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="has 16 dimensions, not 3"):
        Vectors(DIMENSIONS).add(b"s", 1, b"abc")


STEPS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([b"one", b"two", b"three"]), st.integers(0, 30)), max_size=80
)  # fmt: skip


@settings(max_examples=50)
@given(STEPS, st.integers(1, 8))
def test_what_was_removed_or_is_of_another_scope_is_never_found(
    steps: list[tuple[bool, bytes, int]], graph_from: int
) -> None:
    vectors = Vectors(DIMENSIONS, graph_from)
    kept: dict[int, bytes] = {}
    for add, scope, number in steps:
        if add and number not in kept:
            kept[number] = scope
            vectors.add(scope, number, some(number))
        elif not add and number in kept:
            vectors.remove(kept.pop(number), number)
        for asked in (b"one", b"two", b"three"):
            found = {near.number for near in vectors.nearest(asked, some(number), 50)}
            assert found == {known for known, where in kept.items() if where == asked}
    if not kept:
        assert vectors.size() == 0
