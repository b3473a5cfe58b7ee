"""Profanity: the list's words in their disguises; words that only hold one pass."""

import pytest

from forebay.core.verdicts import PASSED
from forebay.guards.validators.words.profanity import ProfanitySettings, plugin
from tests.support.growing import OUTPUT, found, spans_of
from tests.support.guarding import TOOLS

GUARD = plugin.build(ProfanitySettings(), TOOLS)


@pytest.mark.parametrize(
    "word", ["shit", "SHIT", "sh1t", "$hit", "ѕhit", "fucking", "f\u200buck", "a$$hole", "son of a bitch"]
)
async def test_finds(word: str) -> None:
    assert await found(GUARD, f"oh {word}!") == [("profanity", word)]


@pytest.mark.parametrize("text", ["Scunthorpe", "a classic cocktail", "shiitake", "Dick Tracy", "5417", "12.50 $"])
async def test_passes(text: str) -> None:
    assert await GUARD.check(text, OUTPUT) == PASSED


async def test_takes_more_words_and_fewer() -> None:
    guard = plugin.build(ProfanitySettings(more=("dang",), allow=("shit",), replacement="#"), TOOLS)
    assert [span.replacement for span in await spans_of(guard, "dang, shit")] == ["#"]
