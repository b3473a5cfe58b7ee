"""Normalising: what may differ and what may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.cache.semantic.normalise import normalise

PIECES = (
    "please", "can you", "tell me", "what's", "WHAT", "isn't", "US", "-D", '"Quoted"', "`x`", "?", "...", "thanks",
    "hi", "I", "'d like", "to know", " ", "\n", "é", "İ", "\u2019s", "cannot", "can not", "don't", ",", "`", '"', "how",
)  # fmt: skip
WORDS = st.sampled_from(PIECES)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("What is DNS?", "what is dns"),
        ("  What   is\nDNS  ? ", "what is dns"),
        ("WHAT'S DNS?!", "what is dns"),
        ("What\u2019s DNS...", "what is dns"),
        ("Please tell me what DNS is.", "what dns is"),
        ("Could you please explain DNS?", "explain dns"),
        ("Can you tell me how DNS works?", "how dns works"),
        ("Hi there! What is DNS?", "what is dns"),
        ("I would like to know what DNS is", "what dns is"),
        ("I'd like to know what DNS is", "what dns is"),
        ("What is DNS, please?", "what is dns"),
        ("what is dns. thank you!", "what is dns"),
        ("Why can't I sleep?", "why cannot i sleep"),
        ("Why can not I sleep", "why cannot i sleep"),
        ("How May I Clean My Windows?", "how may i clean my windows"),
        ("Turkey is far", "turkey is far"),
        ("Why isn't it so? I won't go.", "why is not it so? i will not go"),
    ],
)
def test_one_spelling(text: str, plain: str) -> None:
    assert normalise(text) == plain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("git branch -d x", "git branch -D x"),
        ('what is "Foo"', 'what is "foo"'),
        ("what is `A`", "what is `a`"),
        ("Who lives in Turkey", "Who lives in turkey"),
        ("Is he Polish?", "Is he polish?"),
        ("What does 'Will' mean", "What does 'will' mean"),
        ("Who joined the US", "who joined the us"),
        ("What is C", "What is C++"),
        ("x² = 2", "x2 = 2"),
        ("Can you swim?", "swim?"),
        ("What is 5!", "What is 5"),
        ("?", "!!!"),
        ("```\nif x:\n  y\n```", "```\nif x:\n    y\n```"),
        ("    return A", "    return a"),
    ],
)
def test_what_may_matter_stays(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@given(st.one_of(st.text(), st.lists(WORDS, max_size=12).map(" ".join), st.lists(WORDS, max_size=12).map("".join)))
def test_normalising_twice_changes_nothing(text: str) -> None:
    plain = normalise(text)
    assert normalise(plain) == plain
