"""What a hostile, broken or enormous text does to the page: nothing."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.driving import answered, ask, field, start, turns
from tests.web.fake_api import FakeApi

pytestmark = pytest.mark.needs("browser")

HOSTILE = """<script>window.hurt = 1</script><img src=x onerror="window.hurt = 1">
![spy](http://spy.example/pixel.png) ![x](data:image/svg+xml;base64,AAAA)
[a](javascript:window.hurt=1) [b](data:text/html,<script>window.hurt=1</script>) [c](vbscript:x) [d](//spy.example)
<iframe src="http://spy.example"></iframe> <a href="javascript:window.hurt=1">e</a>
[f]: javascript:window.hurt=1
[f] <svg onload="window.hurt=1"> <style>body { display: none }</style> <form action="http://spy.example">

| a | b |
|:-:|--:|
| <b onclick="window.hurt=1">x</b> | ![t](http://spy.example/t) |

```html"><script>window.hurt=1</script>
</code></pre><script>window.hurt = 1</script>
```
"""
WHOLE = """# Head

A *b* [c](https://d.example).

1. one
2. two

```js
let a = 1;

let b;
```

| x |
|---|
| y |

End
"""
BROKEN = "# a\n**b *c `d\n- e\n  1. f\n> g\n```py\nunfinished\n| h\n|-\n[i](\n![](\n<!-- \x00 \ufffd"


def test_a_hostile_answer_is_harmless(page: Page, api_url: str) -> None:
    start(page, api_url, "echo")
    ask(page, HOSTILE)
    answer = answered(page)
    expect(answer.get_by_role("link", name="Image: spy")).to_have_attribute("href", "http://spy.example/pixel.png")
    for link in answer.get_by_role("link").all():
        assert (link.get_attribute("href") or "").startswith("http://spy.example/")
        assert "noopener" in (link.get_attribute("rel") or "")
    assert answer.locator("script, img, iframe, style, svg[onload], form[action], [onclick], [style]").count() == 0
    assert page.evaluate("window.hurt") is None
    expect(turns(page).nth(0).locator(".text")).to_contain_text("<script>window.hurt = 1</script>")


def test_broken_markdown_is_text(page: Page, api_url: str) -> None:
    start(page, api_url, "echo")
    ask(page, BROKEN)
    expect(answered(page)).to_contain_text("unfinished")


def test_events_may_be_cut_at_any_byte(page: Page, api_url: str) -> None:
    start(page, api_url, "bytewise")
    ask(page, "x")
    expect(answered(page).locator(".text.markdown")).to_have_text("Grüße, 水 🌊")


STREAM = """async (text) => {
  const base = document.querySelector("script[type=module]").src;
  const { streamChat } = await import(new URL("api/chat.js", base));
  const messages = [{ role: "user", content: text }];
  const { signal } = new AbortController();
  const found = [];
  for await (const piece of streamChat({ model: "echo", messages, parameters: {}, signal })) {
    if (piece.text) found.push(piece.text);
  }
  return found;
}"""


def test_a_long_answer_that_comes_fast_is_taken_in_larger_pieces(page: Page, api: FakeApi, api_url: str) -> None:
    page.goto(api_url)
    api.pause = 0.004
    text = " ".join(f"w{number}" for number in range(600))
    found = page.evaluate(STREAM, text)
    assert "".join(found) == text
    assert len(found) < 450


def test_while_it_comes_it_looks_as_it_will(page: Page, api: FakeApi, api_url: str) -> None:
    api.pause = 0.002
    text = WHOLE
    start(page, api_url, "stalls")
    ask(page, text)
    coming = turns(page).nth(1).locator(".markdown")
    expect(coming).to_contain_text("End")
    before = coming.evaluate("e => e.innerText.trim().replace(/\\s+/g, ' ')")
    page.keyboard.press("Escape")
    answered(page)
    after = turns(page).nth(1).locator(".markdown")
    assert after.evaluate("e => e.innerText.trim().replace(/\\s+/g, ' ')") == before
    expect(after.get_by_role("table").get_by_role("cell")).to_have_text("y")


def test_a_megabyte_without_a_space_is_shown(page: Page, api_url: str) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    start(page, api_url, "echo")
    page.evaluate(
        """() => { const field = document.getElementById("question"); field.value = "x".repeat(1e6);
            field.dispatchEvent(new Event("input", { bubbles: true })); }"""
    )
    field(page).press("Enter")
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert turns(page).nth(1).locator(".markdown").evaluate("e => e.textContent.length") == 1_000_000


def test_ten_megabytes_are_refused_at_once(page: Page, api_url: str) -> None:
    start(page, api_url)
    spent = field(page).evaluate(
        """field => {
            const data = new DataTransfer();
            data.setData("text/plain", "word ".repeat(2e6));
            const began = performance.now();
            field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
            return performance.now() - began;
        }"""
    )
    expect(page.get_by_role("alert")).to_contain_text("it has 10 million characters, and 1,000,000 fit in here")
    expect(field(page)).to_have_value("")
    assert spent < 1000
