"""Gibberish: keys hit at random; words, names and code are none."""

import pytest

from forebay.core.verdicts import Action
from forebay.guards.validators.gibberish import GibberishSettings, plugin
from tests.support.growing import OUTPUT
from tests.support.guarding import TOOLS

GUARD = plugin.build(GibberishSettings(), TOOLS)


@pytest.mark.parametrize(
    "text", ["asdkjfh qwoeiru zxmcnv lkjhqw", "sdfg hjkl qwrt zxcv bnmp", "a" * 100, "jgfdkl jkfdsl fjdksl"]
)
async def test_blocks(text: str) -> None:
    assert (await GUARD.check(text, OUTPUT)).action is Action.BLOCK


@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox jumps over the lazy dog.",
        "Wir schreiben deutsche Sätze mit Schwierigkeiten.",
        "J'aimerais réserver une chambre pour deux personnes.",
        "def read(path: str) -> bytes:\n    return open(path, 'rb').read()",
        "Привет, как дела? 今日はいい天気です。",
        "xkcd",
        "----------------\nA heading, and what stands below it",
        "",
        "\ud800",
    ],
)
async def test_passes(text: str) -> None:
    assert (await GUARD.check(text, OUTPUT)).action is Action.PASS
