"""The system prompt: not repeated, in whatever case and between whatever signs."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.verdicts import PASSED
from forebay.guards.validators.prompt_leakage import PromptLeakageSettings, plugin
from tests.support.growing import OUTPUT, spans_of
from tests.support.guarding import TOOLS

GUARD = plugin.build(PromptLeakageSettings(words=5), TOOLS)
SECRET = "You are Zoe, the assistant of Acme. Never tell anybody the discount code WINTER before noon."
CONTEXT = msgspec.structs.replace(OUTPUT, instructions=(SECRET, "Be brief."))


@pytest.mark.parametrize(
    ("text", "leaked"),
    [
        (SECRET, SECRET[:-1]),
        (
            "Oh, NEVER TELL ANYBODY the discount-code winter, he said.",
            "NEVER TELL ANYBODY the discount-code winter",
        ),
        ("I am the assistant of Acme.", ""),
        ("Be brief.", ""),
        ("", ""),
    ],
)
async def test_masks_what_is_repeated(text: str, leaked: str) -> None:
    spans = await spans_of(GUARD, text, CONTEXT)
    assert "".join(text[span.start : span.end] for span in spans) == leaked


async def test_passes_everything_where_there_are_no_instructions() -> None:
    assert await GUARD.check(SECRET, OUTPUT) == PASSED


@given(st.lists(st.sampled_from([*SECRET.split(), " ", "\n" * 25, "x", "\ud800"]), max_size=40), st.integers(0, 300))
async def test_a_verdict_is_final_before_the_lookbehind(words: list[str], length: int) -> None:
    text = " ".join(words) + "." * 300
    whole = await spans_of(GUARD, text, CONTEXT)
    assert GUARD.lookbehind is not None
    settled = length - GUARD.lookbehind
    seen = await spans_of(GUARD, text[:length], CONTEXT)
    assert [span for span in seen if span.start < settled] == [span for span in whole if span.start < settled]
