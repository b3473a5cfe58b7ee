"""The pictures of docs/web.md, made anew where FOREBAY_PICTURES is set; else only that the pages can be drawn so."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.served import Served, forebay
from tests.web.driving import answered, ask, button, field, start, turns
from tests.web.fake_api import FakeApi, serving
from tests.web.test_pages import CHECKED, MARKED

pytestmark = [pytest.mark.needs("browser"), pytest.mark.slow]

FOLDER = Path(__file__).parents[2] / "docs/images"
CONFIGURATION = """
store: {{url: "sqlite:///{folder}/forebay.db", conversations: {{titles: words}}}}
guards:
  personal: {{kind: pii}}
policies: {{everywhere: [personal]}}
providers:
  far: {{kind: openai, base_url: "{url}/v1"}}
models:
  smollm2: {{provider: far}}
  words: {{provider: far}}
  echo: {{provider: far}}
prices:
  far/*: {{input: 0.15, output: 0.6}}
"""
BEFORE = ("Locks and weirs", "Rivers of Europe", "How high may a dam be?", "A letter to the mill", "Tides by the moon")
QUESTION = "How is a reservoir's level computed? I am jane@example.com."
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
        path = FOLDER / f"{name}.png"
        page.screenshot(path=path, scale="css", animations="disabled", caret="hide")
        if shutil.which("pngquant"):  # Debian's package of that name; without it they are three times as large
            subprocess.run(["pngquant", "--force", "--skip-if-larger", "--ext", ".png", "128", path], check=True)


@pytest.fixture
def drawn(page: Page, api: FakeApi) -> Page:
    api.models = ["smollm2", "words", "echo"]
    api.answers |= {"/v1/watermark/detect": MARKED, "/v1/guards/check": CHECKED}
    page.set_viewport_size({"width": 1100, "height": 700})
    return page


class Painter(FakeApi):
    """Says what looks well in a picture."""

    def answer(self, model: str, asked: str) -> str:
        return ANSWER if asked.startswith("How is") else super().answer(model, asked)  # the address is masked


@pytest.fixture(scope="module")
def serving_api() -> Iterator[tuple[FakeApi, str]]:
    api = Painter()
    with serving(api) as url:
        yield api, url


@pytest.fixture(scope="module")
def stored(serving_api: tuple[FakeApi, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Path]]:
    folder = tmp_path_factory.mktemp("pictures")
    configuration = folder / "forebay.yaml"
    configuration.write_text(CONFIGURATION.format(folder=folder, url=serving_api[1]))
    with forebay("--config", str(configuration)) as server:
        yield server, folder / "forebay.db"


def some_days(server: Served, database: Path) -> None:
    """A list of conversations of the last days."""
    names = [str(server.post("/v1/conversations", {"title": title})["id"]) for title in BEFORE]
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        for days, name in enumerate(names):
            change = "update conversations set updated = updated - ? where id = ?"
            connection.execute(change, ((days + 1) // 2 * 86_400, name))


def test_the_chat(drawn: Page, stored: tuple[Served, Path]) -> None:
    server, database = stored
    some_days(server, database)
    start(drawn, server.url, "smollm2")
    ask(drawn, "Why is it calm before a turbine?")
    answered(drawn)
    ask(drawn, QUESTION)
    expect(answered(drawn, 3).get_by_text("guard personal")).to_have_count(1)
    button(turns(drawn).nth(3), "Good answer").click()
    button(drawn, "Skip").click()
    expect(button(turns(drawn).nth(3), "Good answer")).to_have_attribute("aria-pressed", "true")
    expect(drawn.locator(".hljs-keyword").first).to_be_visible()
    expect(drawn.get_by_role("list", name="Yesterday")).to_be_visible()
    field(drawn).focus()
    picture(drawn, "web-chat")
    button(drawn, "Colours: system").click()
    button(drawn, "Colours: light").click()
    picture(drawn, "web-dark")
    drawn.set_viewport_size({"width": 360, "height": 700})
    button(drawn, "Close sidebar").click()
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
