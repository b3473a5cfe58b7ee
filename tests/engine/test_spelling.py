"""A text in as few tokens as there can be is still the same text."""

from hypothesis import given
from hypothesis import strategies as st

from forebay.engine.spelling import Spelling

NAMES = [b"", b"a", b"b", b"ab", b"ba", b"aba", b"<end>"]
SPELLING = Spelling(NAMES, frozenset({6}))


def test_the_longest_token_first_is_not_always_best() -> None:
    assert SPELLING.fewest([3, 3, 4]) == [5, 2, 4]


@given(st.lists(st.integers(1, 5)))
def test_same_text_in_no_more_tokens(tokens: list[int]) -> None:
    fewest = SPELLING.fewest(tokens)
    assert b"".join(NAMES[each] for each in fewest) == b"".join(NAMES[each] for each in tokens)
    assert len(fewest) <= len(tokens)


def test_where_single_bytes_are_no_tokens() -> None:
    assert Spelling([b"xy", b"yz", b"z", b"x"], frozenset()).fewest([0, 2]) == [0, 2]
