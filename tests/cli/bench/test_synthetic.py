"""Prompts have the length that was asked for, begin alike as far as asked for, and differ otherwise."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.cli.bench.synthetic import HEAD, WORDS, Synthetic, Words

OVERHEAD = len(HEAD.split())
KNOWN = Words(WORDS, OVERHEAD + 3, exact=True)


@given(st.integers(OVERHEAD + 4, 6000), st.integers(0, 10_000_000), st.integers(0, 100))
def test_every_prompt_has_its_length(tokens: int, number: int, prefix: int) -> None:
    text = Synthetic(KNOWN, tokens, min(prefix, tokens)).text(number)
    assert len(text.split()) + 3 == tokens
    assert text.startswith(HEAD)


@given(st.sets(st.integers(0, len(WORDS) ** 3), min_size=2, max_size=50))
def test_prompts_differ(numbers: set[int]) -> None:
    prompts = Synthetic(KNOWN, 64)
    assert len({prompts.text(number) for number in numbers}) == len(numbers)


def test_prompts_begin_alike_as_far_as_they_shall() -> None:
    one, other = Synthetic(KNOWN, 200, 100, "7", "A"), Synthetic(KNOWN, 200, 100, "7", "B")
    words = zip(one.text(0).split(), one.text(1).split(), other.text(0).split(), strict=True)
    alike = list(itertools.takewhile(lambda each: len(set(each)) == 1, words))
    assert len(alike) in range(97, 101)


def test_equal_seeds_make_equal_prompts_and_others_others() -> None:
    texts = [Synthetic(KNOWN, 100, 0, seed, turn).text(5) for seed, turn in itertools.product("12", "AB")]
    assert len(set(texts)) == 4
    assert texts[0] == Synthetic(KNOWN, 100, 0, "1", "A").text(5)


@pytest.mark.parametrize(("tokens", "prefix"), [(OVERHEAD + 3, 0), (1, 0), (50, 51)])
def test_lengths_that_cannot_be_are_refused(tokens: int, prefix: int) -> None:
    with pytest.raises(ValueError, match=r"at least|longer"):
        Synthetic(KNOWN, tokens, prefix)
