"""No page breaks a rule of axe's, in light and dark, on a phone and on a screen."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.driving import answered, ask, button, start
from tests.web.fake_api import FakeApi
from tests.web.test_pages import CHECKED, MARKED
from tests.web.test_reviews import BARE, LABELLED, REVIEW

pytestmark = [pytest.mark.needs("browser", "axe")]

AXE = Path(__file__).parents[2] / ".node/node_modules/axe-core/axe.min.js"
TEXT = """# Head

*b* [c](https://d.example) ![i](http://e.example)

```python
print(1)  # why
```

| x |
|---|
| y |
"""
SCREENS = [
    pytest.param((360, "light"), id="phone-light"),
    pytest.param((1280, "dark"), id="screen-dark"),
    pytest.param((360, "dark"), id="phone-dark", marks=pytest.mark.slow),
    pytest.param((1280, "light"), id="screen-light", marks=pytest.mark.slow),
]


def check(page: Page) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } })"
    )
    told = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found["violations"]]
    assert not told


@pytest.fixture(params=SCREENS)
def screen(page: Page, request: pytest.FixtureRequest) -> Page:
    width, scheme = request.param
    page.set_viewport_size({"width": width, "height": 740})
    page.emulate_media(color_scheme=scheme)
    return page


def test_the_chat(screen: Page, api_url: str) -> None:
    start(screen, api_url)
    check(screen)
    ask(screen, "one two")
    answered(screen)
    screen.get_by_role("combobox", name="Model", exact=True).select_option("echo")
    ask(screen, TEXT)
    answered(screen, 3)
    button(screen, "Details").first.click()
    screen.get_by_role("combobox", name="Model", exact=True).select_option("refuses")
    ask(screen, "no")
    expect(screen.get_by_role("alert")).to_be_visible()
    check(screen)
    if screen.get_by_role("navigation").count() == 0:
        button(screen, "Show sidebar").click()
    button(screen, "More about one two").click()
    check(screen)


@pytest.mark.slow
def test_the_dialogs(screen: Page, api_url: str) -> None:
    start(screen, api_url)
    for key in ("Control+.", "Control+/"):
        screen.keyboard.press(key)
        expect(screen.get_by_role("dialog")).to_be_visible()
        check(screen)
        screen.keyboard.press("Escape")
        expect(screen.get_by_role("dialog")).to_have_count(0)


def test_the_other_pages(screen: Page, api: FakeApi, api_url: str) -> None:
    api.answers |= {"/v1/watermark/detect": MARKED, "/v1/guards/check": CHECKED}
    screen.goto(f"{api_url}/#/compare")
    check(screen)
    for page, action in (("watermark", "Look for a mark"), ("guards", "Check")):
        screen.goto(f"{api_url}/#/{page}")
        screen.get_by_label("Text").fill("🌊 Write to jane@example.com now")
        button(screen, action).click()
        expect(screen.locator("#verdict")).to_be_visible()
        if page == "watermark":
            expect(screen.locator("canvas")).to_be_visible()
        check(screen)


def test_the_reviews(screen: Page, api: FakeApi, api_url: str) -> None:
    found = [REVIEW, {**LABELLED, "id": "req_3"}, BARE]
    api.answers["/v1/reviews"] = {"object": "list", "data": found, "has_more": True, "last": "1:x"}
    screen.goto(f"{api_url}/#/reviews")
    expect(button(screen, "Show more")).to_be_visible()
    check(screen)


@pytest.mark.slow
def test_the_login(screen: Page, api: FakeApi, api_url: str) -> None:
    api.key = "fb-right"
    screen.goto(api_url)
    expect(screen.get_by_label("API key", exact=True)).to_be_visible()
    check(screen)
