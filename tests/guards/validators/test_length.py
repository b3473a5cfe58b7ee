"""Length: counted in what was asked for, and cut where it is too long."""

import msgspec
import pytest

from forebay.core.verdicts import Action
from forebay.guards.validators.length import LengthSettings, plugin
from tests.support.growing import OUTPUT
from tests.support.guarding import TOOLS


@pytest.mark.parametrize(
    ("settings", "text", "kept"),
    [
        ({"max": 3}, "abcdef", "abc"),
        ({"max": 3}, "\ud800é😀", None),
        ({"max": 2, "unit": "words"}, " one  two three", " one  two"),
        ({"max": 1, "unit": "lines"}, "one\ntwo", "one\n"),
        ({"max": 0}, "", None),
        ({"max": 2, "unit": "lines"}, "one\ntwo\n", None),
    ],
)
async def test_masks_what_is_too_much(settings: dict[str, object], text: str, kept: str | None) -> None:
    verdict = await plugin.build(msgspec.convert(settings, LengthSettings), TOOLS).check(text, OUTPUT)
    assert verdict.action is (Action.PASS if kept is None else Action.MASK)
    for span in verdict.spans:
        assert (text[: span.start], span.end, span.replacement) == (kept, len(text), "")


async def test_blocks_what_is_too_short() -> None:
    guard = plugin.build(LengthSettings(min=2, unit="words"), TOOLS)
    assert (await guard.check("one", OUTPUT)).action is Action.BLOCK
    assert (await guard.check("one two", OUTPUT)).action is Action.PASS


@pytest.mark.parametrize("settings", [{}, {"min": 3, "max": 2}, {"max": -1}, {"max": 1, "unit": "pages"}])
def test_refuses_what_no_text_can_have(settings: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, LengthSettings)
