"""Marking has the distribution that the paper defines, whichever way the sampler asks for it."""

import math

import numpy as np
import pytest

from forebay.core.marks import SchemeName
from forebay.watermark.marking import DrawMarker, ListMarker, marker
from tests.watermark.samples import LISTS, SCHEMES, scheme

TOKENS = np.arange(30)


def weights() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (1 / np.arange(1, 31)).astype(np.float32)


@pytest.mark.parametrize("name", LISTS)
def test_green_weighs_more_by_the_factor(name: SchemeName) -> None:
    chosen = scheme(name)
    context = (3, 4, 5)[: chosen.width]
    found, bias = weights(), marker(chosen, delta=1.5, strength="soft").bias(context)
    assert bias is not None
    bias.weigh(TOKENS, found)
    green = chosen.green(context, TOKENS)
    assert found[green] == pytest.approx(weights()[green])
    assert found[~green] == pytest.approx(weights()[~green] * math.exp(-1.5), rel=1e-6)


@pytest.mark.parametrize("name", LISTS)
def test_a_draw_stands_if_green_and_else_by_chance(name: SchemeName) -> None:
    chosen = scheme(name)
    context = (3, 4, 5)[: chosen.width]
    bias = marker(chosen, delta=1.0, strength="soft").bias(context)
    assert bias is not None
    green = [token for token in range(60) if chosen.is_green(context, token)]
    red = [token for token in range(60) if token not in green]
    assert all(bias.stands(token, 0.99) for token in green)
    assert all(bias.stands(token, 0.36) and not bias.stands(token, 0.37) for token in red)


def test_a_hard_list_gives_way_where_nothing_green_may_come() -> None:
    chosen = scheme("keyed")
    green = chosen.green((1,), TOKENS)
    bias = ListMarker(chosen, delta=2, strength="hard").bias((1,))
    assert bias is not None
    found = weights()
    found[green] = 0
    before = found.copy()
    bias.weigh(TOKENS, found)
    assert (found == before).all()
    some = weights()
    bias.weigh(TOKENS, some)
    assert (some[~green] == 0).all()
    assert (some[green] > 0).all()


def test_what_weighs_nothing_is_never_taken() -> None:
    for name in SCHEMES:
        chosen = scheme(name)
        for context in range(30):
            found = weights()
            found[5:] = 0
            bias = marker(chosen, delta=5, strength="soft").bias((context,) * chosen.width)
            assert bias is not None
            bias.weigh(TOKENS, found)
            assert not found[5:].any()
            assert found[:5].any()


def test_drawing_with_the_key_changes_no_probability() -> None:
    chosen = scheme("gumbel")
    counts = np.zeros(30)
    for context in range(4000):
        found = weights()
        bias = DrawMarker(chosen).bias((context, 1, 2, 3)) if hasattr(chosen, "winner") else None  # type: ignore[arg-type]
        assert bias is not None
        bias.weigh(TOKENS, found)
        assert np.count_nonzero(found) == 1
        counts[found.argmax()] += 1
    wanted = weights() / weights().sum() * 4000
    assert float(((counts - wanted) ** 2 / wanted).sum()) < 29 + 4 * math.sqrt(58)


def test_a_context_that_comes_again_is_left_to_chance() -> None:
    own = marker(scheme("gumbel"), delta=0, strength="soft")
    assert own.bias((1, 2, 3, 4)) is not None
    assert own.bias((1, 2, 3, 4)) is None
    assert own.bias((1, 2, 3, 5)) is not None
