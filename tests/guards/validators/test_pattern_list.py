"""Patterns of one's own: linear whatever they are, refused when RE2 does not know them."""

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.verdicts import PASSED, Action
from forebay.guards.validators.pattern_list import RegexSettings, plugin
from tests.support.growing import OUTPUT, assert_final, found, spans_of
from tests.support.guarding import TOOLS

GUARD = plugin.build(RegexSettings({"ticket": r"\bT-[0-9]{1,6}\b", "name": r"user=(\w{1,20})"}, longest=30), TOOLS)


async def test_masks_what_matches_or_its_group() -> None:
    assert await found(GUARD, "é T-12 and user=bob") == [("ticket", "T-12"), ("name", "bob")]
    assert await GUARD.check("T-1234567 X-1", OUTPUT) == PASSED


async def test_replaces_and_ignores_case() -> None:
    guard = plugin.build(RegexSettings({"a": "abc"}, ignore_case=True, replacement="-"), TOOLS)
    assert [span.replacement for span in await spans_of(guard, "xABC")] == ["-"]
    assert guard.lookbehind is None


async def test_the_whole_text_must_match_if_asked() -> None:
    guard = plugin.build(RegexSettings(match="[a-z]+|[0-9]+"), TOOLS)
    assert await guard.check("abc", OUTPUT) == PASSED
    assert (await guard.check("abc1", OUTPUT)).action is Action.BLOCK
    assert (await guard.check("abc\n", OUTPUT)).action is Action.BLOCK


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*a){20}x", r"^(\w+\s?)*$"])
async def test_no_pattern_takes_long(pattern: str) -> None:
    """Each of these keeps Python's `re` busy for years."""
    guard = plugin.build(RegexSettings({"evil": pattern}), TOOLS)
    begun = time.monotonic()
    await guard.check("a" * 50_000 + "!", OUTPUT)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "settings",
    [{}, {"match": "a", "patterns": {"b": "b"}}, {"patterns": {"x": "(a"}}, {"match": "a(?=b)"}, {"match": "(a)\\1"}],
)
def test_refuses_what_cannot_be_used(settings: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, RegexSettings)


@given(st.lists(st.sampled_from(["T-12", "T-", "1", " ", "user=", "bob", "é", "\ud800"]), max_size=14), st.data())
async def test_a_verdict_is_final_before_the_lookbehind(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    await assert_final(GUARD, text, data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
