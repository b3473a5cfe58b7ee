"""Marks are found, clean texts are not taken for marked ones, and the figures are what they say they are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.marks import SchemeName
from forebay.watermark.detector import Hypothesis, Report, detect
from forebay.watermark.kgw import PaddedLeftHash
from forebay.watermark.statistics import sum_tail, tails, z_score
from tests.watermark.samples import LISTS, SCHEMES, VOCABULARY, clean, marked, scheme


def examined(tokens: list[int], name: SchemeName, number: int = 0) -> Report:
    return detect(tokens, [Hypothesis(str(number), name, scheme(name, number))])


@pytest.mark.parametrize("name", SCHEMES)
def test_a_mark_is_found_with_its_key_and_with_no_other(name: SchemeName) -> None:
    text = marked(scheme(name), 120)
    assert examined(text, name).verdict == "marked"
    assert examined(text, name, 1).verdict == "not_found"
    assert examined(clean(200, 5), name).verdict == "not_found"


@pytest.mark.parametrize("name", LISTS)
def test_a_hard_list_is_nearly_all_green(name: SchemeName) -> None:
    text = marked(scheme(name), 60, strength="hard")
    assert examined(text, name).best.green_fraction > 0.95


@pytest.mark.parametrize("name", SCHEMES)
def test_a_short_text_gets_no_verdict(name: SchemeName) -> None:
    assert examined(marked(scheme(name), 40), name).verdict == "too_short"
    for length in range(7):
        assert examined(clean(length), name).verdict == "too_short"


@pytest.mark.parametrize("name", SCHEMES)
def test_repetition_counts_once(name: SchemeName) -> None:
    text = clean(30, 2) * 40
    found = examined(text, name)
    assert found.best.scored_tokens <= 30 + 4
    assert found.verdict == "too_short"


def test_several_keys_and_schemes_are_corrected_for() -> None:
    text = marked(scheme("keyed", 3), 200)
    hypotheses = [Hypothesis(str(number), name, scheme(name, number)) for name in LISTS[:2] for number in range(5)]
    report = detect(text, hypotheses)
    assert (report.best.key, report.best.scheme, report.tests) == ("3", "keyed", 20)
    assert report.p == pytest.approx(20 * min(report.best.p, report.best.window_p))
    assert len(report.findings) == 10


def test_a_marked_part_is_found_where_it_is() -> None:
    found = 0
    for seed in range(40):
        text = clean(75, seed) + marked(scheme("keyed"), 50, seed) + clean(75, 1000 + seed)
        found += examined(text, "keyed").best.window_p < 0.01
    assert found >= 36
    text = clean(300, 1) + marked(scheme("keyed"), 200, 1, delta=4) + clean(300, 2)
    windows = examined(text, "keyed").best.windows
    assert windows
    assert all(window.end > 280 and window.begin < 520 for window in windows)


def test_the_rows_that_tgi_pads_are_found() -> None:
    scheme = PaddedLeftHash(vocabulary=VOCABULARY, gamma=0.25)
    text = marked(scheme, 200)
    assert detect(text, [Hypothesis("public", "padded", scheme)]).verdict == "marked"


@pytest.mark.parametrize("name", ["keyed", "gumbel"])
def test_clean_texts_are_marked_as_often_as_p_says(name: SchemeName) -> None:
    """1,000 keys: the number of p-values below 5 % and 1 % is within the 99.9 % interval of the binomial."""
    text = clean(300, 9)
    found = [examined(text, name, number).best for number in range(1000)]
    for p in ([each.p for each in found], [each.window_p for each in found]):
        for level in (0.05, 0.01):
            assert sum(value < level for value in p) <= 1000 * level + 3.3 * math.sqrt(1000 * level)
    assert sum(each.p < 0.5 for each in found) > 400


def test_the_mask_paints_every_token() -> None:
    text = [5, 6, 7, 5, 6, 8]
    found = examined(text, "keyed").best
    chosen = scheme("keyed")
    assert found.mask == (
        None,
        chosen.is_green((5,), 6),
        chosen.is_green((6,), 7),
        chosen.is_green((7,), 5),
        None,
        chosen.is_green((6,), 8),
    )


def binomial(green: int, scored: int, gamma: float) -> float:
    return math.fsum(math.comb(scored, k) * gamma**k * (1 - gamma) ** (scored - k) for k in range(green, scored + 1))


@given(scored=st.integers(0, 120), gamma=st.sampled_from([0.1, 0.25, 0.5, 0.9]))
def test_the_tail_of_the_binomial_is_exact(scored: int, gamma: float) -> None:
    assert tails(scored, gamma).tolist() == pytest.approx(
        [binomial(green, scored, gamma) for green in range(scored + 1)], rel=1e-9
    )


def test_long_texts_neither_overflow_nor_lose_the_tail() -> None:
    found = tails(500_000, 0.25)
    assert found[0] == 1
    assert found[-1] == 0
    assert 0.49 < found[125_000] < 0.51
    assert np.isfinite(found).all()


@given(total=st.floats(0.01, 60), scored=st.integers(1, 40))
def test_the_tail_of_the_sum_is_exact(total: float, scored: int) -> None:
    wanted = math.fsum(math.exp(-total + k * math.log(total) - math.lgamma(k + 1)) for k in range(scored))
    assert sum_tail(total, scored) == pytest.approx(min(1, wanted), rel=1e-9)


def test_z_of_the_paper() -> None:
    assert z_score(36, 36, 0.5) == 6
    assert z_score(0, 0, 0.5) == 0
