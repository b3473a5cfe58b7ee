"""What is not seen, or seen as something else; and what people write, untouched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.verdicts import PASSED
from forebay.guards.validators.invisible import InvisibleSettings, plugin
from tests.support.growing import OUTPUT, assert_final, spans_of
from tests.support.guarding import TOOLS

GUARD = plugin.build(InvisibleSettings(), TOOLS)


async def cleaned(text: str) -> str:
    for span in reversed(await spans_of(GUARD, text)):
        text = text[: span.start] + (span.replacement or "") + text[span.end :]
    return text


HIDDEN = [
    ("ig\u200bnore", "ignore"),
    ("a" + "".join(chr(0xE0000 + ord(each)) for each in "do evil") + "b", "ab"),
    ("abc\u202edef\u202c", "abcdef"),
    ("a\u00adb\ufeffc\u2060d", "abcd"),
    ("x\ufe00\ufe01\ufe02y", "x\ufe00y"),
    ("x\U000e0101y", "xy"),
    ("a\x00b\x1bc", "abc"),
    ("pаypаl", "paypal"),
    ("Аpple and SСOPE", "Apple and SCOPE"),
    ("a\u200db", "ab"),
]

SEEN = [
    "plain text\twith\nlines\r\n",
    "Привет, мир. Это русский текст.",
    "Καλημέρα κόσμε",
    "नमस्ते क्‍ष",
    "می‌خواهم",
    "👩‍💻 ❤️ 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 🏳️‍🌈",
    "日本語 한국어 עברית العربية",
    "naïve café – “quotes” …",
    "\ud800 \udfff",
]


@pytest.mark.parametrize(("text", "expected"), HIDDEN)
async def test_finds(text: str, expected: str) -> None:
    assert await cleaned(text) == expected


@pytest.mark.parametrize("text", SEEN)
async def test_passes(text: str) -> None:
    assert await GUARD.check(text, OUTPUT) == PASSED


async def test_lets_look_alikes_pass_if_asked() -> None:
    guard = plugin.build(InvisibleSettings(homoglyphs=False), TOOLS)
    assert await guard.check("pаypаl", OUTPUT) == PASSED


@given(st.lists(st.sampled_from([*SEEN, *(text for text, _ in HIDDEN), *"aа\u200d\ufe0f"]), max_size=8), st.data())
async def test_a_verdict_is_final_before_the_lookbehind(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    await assert_final(GUARD, text, data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
