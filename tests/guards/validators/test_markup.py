"""HTML: without what runs, and with everything else."""

import pytest

from forebay.core.verdicts import PASSED
from forebay.guards.validators.markup import HtmlSettings, plugin
from tests.support.growing import OUTPUT, spans_of
from tests.support.guarding import TOOLS

GUARD = plugin.build(HtmlSettings(), TOOLS)


@pytest.mark.parametrize(
    "text",
    ["a < b && c > d", "<b>bold</b> and <i>more</i>", "plain", "x <- y", "1 < 2 &amp; 3", "\ud800", "a<5"],
)
async def test_passes(text: str) -> None:
    assert await GUARD.check(text, OUTPUT) == PASSED


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("hi <script>alert(1)</script>you", "hi you"),
        ("<img src=x onerror=alert(1)>", '<img src="x">'),
        ('<a href="javascript:alert(1)">x</a>', "<a>x</a>"),
        ("<iframe src=//evil></iframe>ok", "ok"),
        ("<svg/onload=alert(1)>", ""),
        ("<form action=//evil><input></form>", ""),
    ],
)
async def test_takes_out_what_runs(text: str, cleaned: str) -> None:
    (span,) = await spans_of(GUARD, text)
    assert (span.start, span.end, span.replacement) == (0, len(text), cleaned)


async def test_keeps_only_the_tags_that_are_named() -> None:
    guard = plugin.build(HtmlSettings(tags=("b",)), TOOLS)
    (span,) = await spans_of(guard, "<b>a</b><i>b</i>")
    assert span.replacement == "<b>a</b>b"
