"""The list of conversations, comparing, the watermark page and the guard playground, before a small API."""

import json
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.driving import answered, ask, button, field, start, turns
from tests.web.fake_api import FakeApi

pytestmark = pytest.mark.needs("browser")

MARKED = {
    "object": "watermark.detection",
    "verdict": "marked",
    "p": 8.8e-18,
    "z": 9.6,
    "green_fraction": 0.61,
    "scored_tokens": 120,
    "key": "autumn",
    "scheme": "keyed",
    "significance": 1e-5,
    "tests": 1,
    "windows": [],
    "findings": [],
    "mask": [None, *([True, True, False] * 40)],
    "tokens": ["The", *([" hills", " were", " quiet"] * 40)],
}
CHECKED = {
    "object": "guard.check",
    "passed": False,
    "text": "Write to <EMAIL_1> 🌊",
    "outcome": "changed",
    "verdicts": [
        {
            "guard": "personal",
            "kind": "pii",
            "mode": "enforce",
            "action": "mask",
            "outcome": "mask",
            "score": 0.9,
            "reason": "an address",
            "spans": [{"start": 11, "end": 27, "kind": "EMAIL"}],
            "error": None,
            "milliseconds": 0.4,
        }
    ],
}


def menu(page: Page, title: str, action: str) -> None:
    button(page, f"More about {title}").click()
    button(page, action).click()


def test_conversations_are_listed_found_renamed_and_deleted(page: Page, api_url: str) -> None:
    start(page, api_url)
    expect(page.get_by_text("Conversations are kept in this page only")).to_be_visible()
    ask(page, "About rivers")
    answered(page)
    page.keyboard.press("Control+Shift+O")
    expect(turns(page)).to_have_count(0)
    expect(field(page)).to_be_focused()
    ask(page, "About hills")
    answered(page)
    today = page.get_by_role("list", name="Today")
    expect(today.get_by_role("link")).to_have_text(["About hills", "About rivers"])
    page.keyboard.press("Control+k")
    search = page.get_by_label("Search conversations")
    expect(search).to_be_focused()
    search.fill("said: about RIV")
    expect(today.get_by_role("link")).to_have_text(["About rivers"])
    search.fill("")
    today.get_by_role("link", name="About rivers").click()
    expect(turns(page).nth(0)).to_contain_text("About rivers")
    menu(page, "About rivers", "Rename")
    page.get_by_role("textbox", name="Rename conversation").fill("Water")
    page.keyboard.press("Enter")
    expect(today.get_by_role("link", name="Water")).to_be_visible()
    menu(page, "Water", "Delete")
    button(page.get_by_role("dialog"), "Delete").click()
    expect(today.get_by_role("link")).to_have_text(["About hills"])
    expect(turns(page)).to_have_count(0)


def test_a_conversation_is_exported_and_imported(page: Page, api_url: str, tmp_path: Path) -> None:
    start(page, api_url)
    ask(page, "About hills")
    answered(page)
    button(page, "More about About hills").click()
    expect(button(page, "Share")).to_have_count(0)
    with page.expect_download() as told:
        button(page, "Export as JSON").click()
    file = tmp_path / told.value.suggested_filename
    told.value.save_as(file)
    assert file.name == "About hills.json"
    assert json.loads(file.read_text())["object"] == "forebay.conversation"
    page.reload()
    expect(page.get_by_role("heading", name="This conversation is not here")).to_be_visible()
    page.get_by_label("File to import").set_input_files(file)
    expect(turns(page)).to_have_count(2)
    expect(turns(page).nth(1)).to_contain_text("You said: About hills")
    with page.expect_download() as told:
        menu(page, "About hills", "Export as Markdown")
    assert "You said: About hills" in told.value.path().read_text()


@pytest.mark.parametrize("content", ["no JSON", "{}", '{"object": "forebay.conversation", "version": 1, "items": [1]}'])
def test_a_file_that_is_not_ours_is_told_so(page: Page, api_url: str, tmp_path: Path, content: str) -> None:
    start(page, api_url)
    for name in ("x.json", "y.json"):
        (tmp_path / name).write_text(content)
        page.get_by_label("File to import").set_input_files(tmp_path / name)
        expect(page.get_by_role("alert")).to_have_count(1)
        expect(page.get_by_role("alert")).to_contain_text(f"{name}: This file is no conversation of Forebay's. It")
    button(page, "Dismiss").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_conversations_are_found_whatever_the_marks_of_their_letters(page: Page, api_url: str) -> None:
    start(page, api_url)
    ask(page, "About İstanbul")
    answered(page)
    page.get_by_label("Search conversations").fill("istanbul")
    expect(page.get_by_role("status")).to_contain_text("1 conversation found")


def test_side_by_side_too_what_was_stopped_or_cut_off_is_counted(page: Page, api_url: str) -> None:
    page.goto(f"{api_url}/#/compare")
    page.get_by_role("combobox", name="First model").select_option("stalls")
    page.get_by_role("combobox", name="Second model").select_option("cut")
    page.get_by_label("Message to both").fill("one")
    page.keyboard.press("Enter")
    first, second = (turns(page, f"Answers of the {name} model").nth(1) for name in ("first", "second"))
    for side in (first, second):
        expect(side).to_contain_text("You said: one")
    button(page, "Stop").click()
    for side in (first, second):
        expect(side).to_contain_text("≈ 3 tokens")


def test_two_models_are_asked_side_by_side(page: Page, api: FakeApi, api_url: str) -> None:
    page.goto(f"{api_url}/#/compare")
    page.get_by_role("combobox", name="First model").select_option("words")
    page.get_by_role("combobox", name="Second model").select_option("echo")
    both = page.get_by_label("Message to both")
    both.fill("one")
    both.press("Enter")
    expect(answered_in(page, "Answers of the first model")).to_contain_text("You said: one")
    expect(answered_in(page, "Answers of the second model")).to_have_text("one")
    assert {asked["model"] for asked in api.asked} == {"words", "echo"}


def answered_in(page: Page, name: str) -> Locator:
    turn = turns(page, name).nth(1)
    expect(turn.get_by_role("button", name="Regenerate")).to_be_enabled()
    return turn.locator(".markdown")


def test_the_watermark_page_paints_tokens_and_draws_z(page: Page, api: FakeApi, api_url: str) -> None:
    api.answers["/v1/watermark/detect"] = MARKED
    page.goto(f"{api_url}/#/watermark")
    page.get_by_label("Text").fill("The hills were quiet")
    button(page, "Look for a mark").click()
    expect(page.get_by_role("heading", name="Carries the mark")).to_be_visible()
    expect(page.get_by_text("8.8 · 10⁻¹⁸")).to_be_visible()
    expect(page.locator(".painted .token.green")).to_have_count(80)
    expect(page.locator(".painted .token.red")).to_have_count(40)
    expect(
        page.get_by_role("img", name="z along the text: it ends at 9.6 after 120 tokens").locator("canvas")
    ).to_be_visible()
    expect(page.get_by_text("never an accusation")).to_be_visible()
    assert api.bodies["/v1/watermark/detect"] == {"model": "words", "text": "The hills were quiet"}


# A chart's grid is most of its ink: bright on a light page, dim on a dark one.
INKED = """dark => {
  const shown = document.querySelector("canvas");
  if (!shown) return false;
  const copy = new OffscreenCanvas(shown.width, shown.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(shown, 0, 0);
  const { data } = copy.getImageData(0, 0, shown.width, shown.height);
  let [bright, inked] = [0, 0];
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] < 200) continue;
    bright += data[at];
    inked += 1;
  }
  return inked > 0 && bright / inked < 130 === dark;
}"""


def test_the_system_or_a_choice_makes_the_same_light_and_dark_page(page: Page, api: FakeApi, api_url: str) -> None:
    api.answers["/v1/watermark/detect"] = MARKED
    page.goto(f"{api_url}/#/watermark")
    page.get_by_label("Text").fill("The hills were quiet.")
    button(page, "Look for a mark").click()
    grounds: dict[str, set[str]] = {"light": set(), "dark": set()}
    for system, choice in product(("light", "dark"), ("system", "light", "dark")):
        page.emulate_media(color_scheme="light" if system == "light" else "dark")
        shown = system if choice == "system" else choice
        page.wait_for_function(INKED, arg=shown == "dark")
        grounds[shown].add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        button(page, f"Colours: {choice}").click()
    assert {shown: len(found) for shown, found in grounds.items()} == {"light": 1, "dark": 1}
    assert grounds["light"] != grounds["dark"]


def test_a_text_without_a_mark_is_told_what_may_hide_one(page: Page, api: FakeApi, api_url: str) -> None:
    api.answers["/v1/watermark/detect"] = {**MARKED, "verdict": "not_found"}
    page.goto(f"{api_url}/#/watermark")
    page.get_by_label("Text").fill("The hills were quiet.")
    button(page, "Look for a mark").click()
    expect(page.get_by_role("region", name="No mark found")).to_contain_text("made at a low temperature")


def test_too_short_a_text_is_not_judged(page: Page, api: FakeApi, api_url: str) -> None:
    api.answers["/v1/watermark/detect"] = {**MARKED, "verdict": "too_short", "mask": [None, True], "tokens": ["a", "b"]}
    page.goto(f"{api_url}/#/watermark")
    page.get_by_label("Text").fill("a b")
    button(page, "Look for a mark").click()
    expect(page.get_by_role("heading", name="Too short to say")).to_be_visible()
    expect(page.get_by_role("heading", name="z along the text")).to_have_count(0)


def test_the_playground_shows_what_guards_say(page: Page, api: FakeApi, api_url: str) -> None:
    api.answers["/v1/guards/check"] = CHECKED
    page.goto(f"{api_url}/#/guards")
    expect(page.get_by_text("for an admin, all there are, whomever they hold for")).to_be_visible()
    page.get_by_label("Text").fill("🌊 Write to jane@example.com now")
    page.get_by_label("It is").select_option("An answer")
    button(page, "Check").click()
    expect(page.get_by_role("heading", name="Is changed")).to_be_visible()
    expect(page.get_by_text("Write to <EMAIL_1>")).to_be_visible()
    opinion = page.get_by_role("region", name="Guard personal")
    expect(opinion.locator("mark")).to_have_text("jane@example.comEMAIL")
    assert api.bodies["/v1/guards/check"]["side"] == "output"


@pytest.mark.parametrize(
    ("page_name", "text", "action"), [("watermark", "no keys", "Look for a mark"), ("guards", "no guards", "Check")]
)
def test_a_server_without_them_says_so(page: Page, api_url: str, page_name: str, text: str, action: str) -> None:
    page.goto(f"{api_url}/#/{page_name}")
    page.get_by_label("Text").fill("x")
    button(page, action).click()
    expect(page.get_by_role("alert")).to_contain_text(f"This server has {text}")


def test_shortcuts_and_colours(page: Page, api_url: str) -> None:
    start(page, api_url)
    page.keyboard.press("Control+/")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+Shift+S")
    expect(page.get_by_role("navigation")).to_have_count(0)
    button(page, "Show sidebar").click()
    expect(page.get_by_role("navigation")).to_be_visible()
    button(page, "Colours: system").click()
    button(page, "Colours: light").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.keyboard.press("Shift+Escape")
    expect(field(page)).to_be_focused()
    ask(page, "one")
    answered(page)
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Edit message")).to_be_focused()


def test_everything_can_be_done_with_the_keyboard(page: Page, api_url: str) -> None:
    start(page, api_url)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the message field")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    expect(turns(page).nth(0).locator(".text")).to_have_text("one\ntwo", use_inner_text=True)
