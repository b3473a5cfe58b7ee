"""What nobody sees goes, and what somebody reads stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.watermark.normalise import normalised

PLAIN = "The quick brown fox jumps over a lazy dog, and so on for a while."


@pytest.mark.parametrize(
    "attacked",
    [
        "\u200b".join(PLAIN),
        "\ufeff" + PLAIN.replace(" ", "\u00a0"),
        PLAIN.replace("o", "\u00ado"),
        PLAIN.replace("o", "о").replace("a", "а").replace("e", "е"),
        PLAIN.replace("f", "\uff46"),
        PLAIN.replace("d", "\U0001d41d"),
        PLAIN.replace("x", "\u200dx"),
    ],
)
def test_an_attack_is_undone(attacked: str) -> None:
    assert attacked != PLAIN
    assert normalised(attacked) == PLAIN


@pytest.mark.parametrize(
    "text",
    [
        "Привет, как дела?",
        "Γεια σου κόσμε",
        "çığ, İstanbul",
        "日本語の文章です。",
        "می‌خواهم",
        "naïve café",
        "x² ≤ 5 — ok…",
    ],
)
def test_other_languages_stay_as_they_are(text: str) -> None:
    assert normalised(text) == text


def test_accents_are_composed() -> None:
    assert normalised("cafe\u0301") == "café"


@given(st.text())
def test_twice_is_once(text: str) -> None:
    once = normalised(text)
    assert normalised(once) == once
