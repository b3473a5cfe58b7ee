"""All of the chat with the keyboard alone: what has the focus, and where it goes when that is no longer there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.served import Served, forebay
from tests.web.driving import answered, ask, button, field, picker, turns
from tests.web.fake_api import FakeApi
from tests.web.test_server import CONFIGURATION

pytestmark = pytest.mark.needs("browser")

TABS = 60
"""No page has more stops of the keyboard between two things that belong together."""


@pytest.fixture(scope="module")
def stored(serving_api: tuple[FakeApi, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("keyboard")
    configuration: Path = folder / "forebay.yaml"
    configuration.write_text(CONFIGURATION.format(folder=folder, url=serving_api[1]))
    with forebay("--config", str(configuration)) as server:
        yield server


@pytest.fixture
def opened(page: Page, stored: Served, api: FakeApi) -> Page:  # noqa: ARG001  # it begins anew
    page.goto(stored.url)
    expect(picker(page)).to_be_enabled()
    return page


def tab_to(page: Page, target: Locator, *, back: bool = False) -> None:
    """Press Tab until ``target`` has the focus."""
    for _ in range(TABS):
        if target.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    pytest.fail(f"the keyboard does not come to {target}")


def press(page: Page, target: Locator, key: str = "Enter", *, back: bool = False) -> None:
    tab_to(page, target, back=back)
    page.keyboard.press(key)


def test_answers_are_stopped_made_again_edited_and_rated_without_losing_the_focus(opened: Page) -> None:
    picker(opened).select_option("stalls")
    ask(opened, "one")
    expect(turns(opened).nth(1)).to_contain_text("You said")
    press(opened, button(opened, "Stop"))
    expect(field(opened)).to_be_focused()
    picker(opened).select_option("words")
    again = button(turns(opened).nth(1), "Regenerate")
    expect(again).to_be_enabled()
    press(opened, again, back=True)
    expect(answered(opened).get_by_role("img", name="Version 2 of 2")).to_be_visible()
    expect(field(opened)).to_be_focused()
    press(opened, button(turns(opened).nth(1), "Previous version"), back=True)
    expect(turns(opened).nth(1).get_by_role("img", name="Version 1 of 2")).to_be_visible()
    expect(opened.get_by_role("status")).to_contain_text("Version 1 of 2")
    expect(button(turns(opened).nth(1), "Next version")).to_be_focused()
    opened.keyboard.press("Enter")
    expect(button(turns(opened).nth(1), "Previous version")).to_be_focused()
    edit = button(turns(opened).nth(0), "Edit")
    press(opened, edit, back=True)
    expect(opened.get_by_label("Edit message")).to_be_focused()
    opened.keyboard.press("Escape")
    expect(edit).to_be_focused()
    opened.keyboard.press("Enter")
    opened.keyboard.type(" more")
    opened.keyboard.press("Control+Enter")
    expect(answered(opened)).to_contain_text("one more")
    expect(field(opened)).to_be_focused()
    bad = button(turns(opened).nth(1), "Bad answer")
    press(opened, bad, back=True)
    press(opened, button(opened, "too long"), "Space")
    tab_to(opened, opened.get_by_label("Comment"))
    opened.keyboard.type("Say less.")
    press(opened, button(opened, "Send feedback"))
    expect(opened.get_by_role("status")).to_contain_text("Thank you.")
    expect(bad).to_be_focused()


def test_conversations_are_found_renamed_and_deleted_without_losing_the_focus(opened: Page) -> None:
    for text in ("tides", "waves"):
        ask(opened, text)
        answered(opened)
        opened.keyboard.press("Control+Shift+O")
        expect(turns(opened)).to_have_count(0)
    opened.keyboard.press("Control+k")
    opened.keyboard.type("waves")
    expect(opened.get_by_role("status")).to_contain_text("1 conversation found")
    opened.keyboard.press("Control+a")
    opened.keyboard.press("Delete")
    tides, waves = (button(opened, f"More about {name}") for name in ("tides", "waves"))
    expect(tides).to_be_attached()
    press(opened, waves)
    press(opened, button(opened, "Rename"))
    expect(opened.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    opened.keyboard.type("Surf")
    opened.keyboard.press("Enter")
    surf = button(opened, "More about Surf")
    expect(surf).to_be_focused()
    opened.keyboard.press("Enter")
    press(opened, button(opened, "Delete"))
    press(opened, button(opened.get_by_role("dialog"), "Delete"))
    expect(surf).to_have_count(0)
    expect(opened.locator(".entry > a:focus")).to_have_count(1)


def test_dialogs_give_the_focus_back_and_keep_what_is_said_within_reach(opened: Page) -> None:
    for name in ("Settings", "Keyboard shortcuts"):
        opener = button(opened, name)
        press(opened, opener)
        expect(opened.get_by_role("dialog")).to_be_visible()
        opened.keyboard.press("Escape")
        expect(opener).to_be_focused()
    press(opened, button(opened, "Settings"), back=True)
    prompt = opened.get_by_role("dialog").get_by_label("System prompt")
    tab_to(opened, prompt)
    prompt.evaluate(
        """each => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text/plain", "x".repeat(1_000_001));
          each.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }"""
    )
    expect(opened.get_by_role("dialog").get_by_role("alert")).to_contain_text("The text is too long")
    press(opened, button(opened.get_by_role("dialog"), "Dismiss"))
    expect(opened.get_by_role("alert")).to_have_count(0)


def test_the_sidebar_of_a_phone_takes_the_focus_and_gives_it_back(opened: Page) -> None:
    opened.set_viewport_size({"width": 360, "height": 740})
    opened.reload()
    show = button(opened, "Show sidebar")
    press(opened, show)
    expect(button(opened, "Close sidebar")).to_be_focused()
    for _ in range(TABS // 2):
        opened.keyboard.press("Tab")
        assert opened.evaluate("document.querySelector('main').contains(document.activeElement)") is False
    button(opened, "Close sidebar").focus()
    opened.keyboard.press("Escape")
    expect(show).to_be_focused()
    opened.keyboard.press("Enter")
    press(opened, opened.get_by_role("link", name="Guards"))
    expect(opened.get_by_role("heading", name="Guards")).to_be_visible()
    expect(show).to_be_focused()
