"""The pictures of docs/web.md, made anew where FOREBAY_PICTURES is set; else only that the pages can be drawn so."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.driving import answered, ask, button, picker, start
from tests.web.fake_api import FakeApi
from tests.web.test_pages import CHECKED, MARKED

pytestmark = [pytest.mark.needs("browser"), pytest.mark.slow]

FOLDER = Path(__file__).parents[2] / "docs/images"
ANSWER = """A *reservoir* is filled by its inflow and emptied by its turbines:

| step | inflow | outflow |
|-----:|-------:|--------:|
| 1 | 12 | 8 |
| 2 | 9 | 10 |

```python
def level(start, flows):
    return start + sum(inflow - outflow for inflow, outflow in flows)
```

So after both steps it holds **3 more** than before.
"""


def picture(page: Page, name: str) -> None:
    if os.environ.get("FOREBAY_PICTURES"):
        FOLDER.mkdir(exist_ok=True)
        page.screenshot(path=FOLDER / f"{name}.png", scale="css", animations="disabled", caret="hide")


@pytest.fixture
def drawn(page: Page, api: FakeApi) -> Page:
    api.models = ["smollm2", "words", "echo"]
    api.answers |= {"/v1/watermark/detect": MARKED, "/v1/guards/check": CHECKED}
    page.set_viewport_size({"width": 1100, "height": 700})
    return page


def test_the_chat(drawn: Page, api_url: str) -> None:
    start(drawn, api_url, "words")
    ask(drawn, "Why is it calm before a turbine?")
    answered(drawn)
    picker(drawn).select_option("echo")
    ask(drawn, ANSWER)
    answered(drawn, 3)
    expect(drawn.locator(".hljs-keyword").first).to_be_visible()
    picture(drawn, "web-chat")
    button(drawn, "Colours: system").click()
    button(drawn, "Colours: light").click()
    picture(drawn, "web-dark")
    drawn.set_viewport_size({"width": 360, "height": 700})
    button(drawn, "Hide sidebar").or_(button(drawn, "Close sidebar")).first.click()
    picture(drawn, "web-phone")


def test_the_watermark_page(drawn: Page, api_url: str) -> None:
    drawn.goto(f"{api_url}/#/watermark")
    drawn.get_by_label("Text").fill("The hills were quiet.")
    button(drawn, "Look for a mark").click()
    expect(drawn.locator("canvas")).to_be_visible()
    drawn.set_viewport_size({"width": 1100, "height": 1250})
    picture(drawn, "web-watermark")


def test_two_models(drawn: Page, api_url: str) -> None:
    drawn.goto(f"{api_url}/#/compare")
    drawn.get_by_role("combobox", name="First model").select_option("words")
    drawn.get_by_role("combobox", name="Second model").select_option("echo")
    drawn.get_by_label("Message to both").fill("Name a river.")
    drawn.keyboard.press("Enter")
    expect(button(drawn, "Regenerate").nth(1)).to_be_enabled()
    picture(drawn, "web-compare")


def test_the_playground(drawn: Page, api_url: str) -> None:
    drawn.goto(f"{api_url}/#/guards")
    drawn.get_by_label("Text").fill("Write to jane@example.com today.")
    button(drawn, "Check").click()
    expect(drawn.locator("#verdict")).to_be_visible()
    picture(drawn, "web-guards")
