"""Links: only to where they may lead, whatever they are dressed up as."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.verdicts import PASSED
from forebay.guards.validators.url_list import UrlsSettings, plugin
from tests.support.growing import OUTPUT, assert_final, found, spans_of
from tests.support.guarding import TOOLS

GUARD = plugin.build(UrlsSettings(("example.org", "*.example.net", "bücher.example")), TOOLS)

ALLOWED = [
    "https://example.org/a?b=c",
    "HTTPS://EXAMPLE.ORG:443",
    "www.sub.example.net/x",
    "https://bücher.example/",
    "https://xn--bcher-kva.example/",
    "https://user:pw@example.org/",
]
ELSEWHERE = [
    "https://evil.example/leak?d=secret",
    "http://example.org/",
    "https://example.org@evil.example/",
    "https://evil.example\\@example.org/",
    "https://example.org.evil.example",
    "https://notexample.net",
    "https://example.net.evil",
    "https:\\\\evil.example",
    "www.evil.example",
    "ftp://example.org/x",
    "https://[::1]/",
    "https://evil.example/" + "a" * 700,
]


@pytest.mark.parametrize("link", ALLOWED)
@pytest.mark.parametrize("around", ["{}", "see {}.", "![x]({})", "<{}>"])
async def test_passes(link: str, around: str) -> None:
    assert await GUARD.check(around.format(link), OUTPUT) == PASSED


@pytest.mark.parametrize("link", ELSEWHERE)
@pytest.mark.parametrize("around", ["{}", "see {}\n", "![x]({})", "é\ud800<{}>"])
async def test_masks_the_whole_link(link: str, around: str) -> None:
    text = around.format(link)
    spans = await spans_of(GUARD, text)
    start = text.index(link)
    assert spans[0].start == start
    assert (spans[0].start, spans[-1].end) == (start, start + len(link)) or "[::1]" in link
    assert [span.replacement for span in spans] == ["[link removed]", *[""] * (len(spans) - 1)]


async def test_schemes_that_run_by_themselves() -> None:
    assert await found(GUARD, "[x](javascript:alert(1))") != []
    assert await found(GUARD, "data:text/html,<script>") != []
    assert await GUARD.check("the data: a lot; ratio 3:4; C://", OUTPUT) == PASSED


@pytest.mark.parametrize("host", ["", "https://x.org", "a/b", "a@b"])
def test_refuses_hosts_that_are_none(host: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"allow": [host]}, UrlsSettings)


PIECES = st.sampled_from([*ALLOWED, *ELSEWHERE, *" ./@:é\ud800", "https:", "//", "www."])


@given(st.lists(PIECES, max_size=8), st.data())
async def test_a_verdict_is_final_before_the_lookbehind(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    await assert_final(GUARD, text, data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
