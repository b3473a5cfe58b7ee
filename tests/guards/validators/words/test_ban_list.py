"""Banned words: found in every disguise, at the place where they stand, and not inside of innocent words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.verdicts import PASSED
from forebay.guards.validators.words.ban_list import BanListSettings, plugin
from forebay.guards.validators.words.competitors import CompetitorSettings
from forebay.guards.validators.words.competitors import plugin as competitors
from tests.support.growing import OUTPUT, assert_final, found, spans_of
from tests.support.guarding import TOOLS

GUARD = plugin.build(BanListSettings(("frobnicate", "top secret", "müll", "ass")), TOOLS)

DISGUISES = [
    "frobnicate",
    "FROBNICATE",
    "frоbnісаtе",  # Cyrillic
    "ｆｒｏｂｎｉｃａｔｅ",
    "𝓯𝓻𝓸𝓫𝓷𝓲𝓬𝓪𝓽𝓮",
    "fro\u200bbni\u00adca\u2060te",
    "fróbñîcätê",
    "f\u0336r\u0336o\u0336b\u0336n\u0336i\u0336c\u0336a\u0336t\u0336e",
    "Top Secret",
    "MÜLL",
]


@pytest.mark.parametrize("word", DISGUISES)
@pytest.mark.parametrize("around", ["{}", "please {}!", "é\ud800 {}\u200b, 😀", "'{}'"])
async def test_finds(word: str, around: str) -> None:
    assert await found(GUARD, around.format(word)) == [("banned", word)]


@pytest.mark.parametrize(
    "text", ["assassin, class, Massachusetts", "frobnicates", "top-secret", "", "\ud800", "ｃｌａｓｓ"]
)
async def test_passes(text: str) -> None:
    assert await GUARD.check(text, OUTPUT) == PASSED


async def test_finds_parts_of_words_if_asked() -> None:
    guard = plugin.build(BanListSettings(("ass",), whole_words=False, replacement="***"), TOOLS)
    spans = await spans_of(guard, "assassin")
    assert [(span.start, span.end, span.replacement) for span in spans] == [(0, 3, "***"), (3, 6, "***")]


async def test_masks_all_of_words_that_overlap() -> None:
    guard = plugin.build(BanListSettings(("red green", "green blue", "green")), TOOLS)
    text = "a red green blue line"
    assert "".join(text[span.start : span.end] for span in await spans_of(guard, text)) == "red green blue"


async def test_competitors_go_by_several_names() -> None:
    guard = competitors.build(CompetitorSettings({"Acme": ("acme.example", "AcmeGPT")}), TOOLS)
    text = "Ask ACME's AcmeGPT at acme.example, not acmeology."
    assert [what for _, what in await found(guard, text)] == ["ACME", "AcmeGPT", "acme.example"]
    assert {span.replacement for span in await spans_of(guard, text)} == {"[competitor]"}


@pytest.mark.parametrize("word", ["", "  ", "\u200b", "x" * 101])
def test_refuses_words_that_are_none(word: str) -> None:
    with pytest.raises(ValueError, match="a word needs letters"):
        plugin.build(BanListSettings((word,)), TOOLS)


PIECES = st.sampled_from([*DISGUISES, *" .-sé\ud800\u200b\u0301", "ass", "top", "\u0301" * 9, "ß", "ﬁ"])


@given(st.lists(PIECES, max_size=14), st.data())
async def test_a_verdict_is_final_before_the_lookbehind(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    await assert_final(GUARD, text, data.draw(st.lists(st.integers(0, len(text)), max_size=8)))


@given(st.text())
async def test_every_span_lies_in_the_text(text: str) -> None:
    for span in await spans_of(GUARD, text + "müll" + text):
        assert 0 <= span.start < span.end <= 2 * len(text) + 4
