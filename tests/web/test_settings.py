"""The settings of the chat, typed as people type: one key after the other."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.driving import answered, ask, button, start
from tests.web.fake_api import FakeApi

pytestmark = pytest.mark.needs("browser")


def test_numbers_are_typed_and_what_is_none_is_told(page: Page, api: FakeApi, api_url: str) -> None:
    start(page, api_url)
    page.keyboard.press("Control+.")
    dialog = page.get_by_role("dialog", name="Settings")
    for label, text in {"Temperature": "0.7", "Top p": "0.95", "Max tokens": "20", "Frequency penalty": "-0.5"}.items():
        number = dialog.get_by_label(label)
        number.press_sequentially(text)
        expect(number).to_have_value(text)
    wrong = dialog.get_by_label("Presence penalty")
    wrong.press_sequentially("3")
    expect(wrong).to_have_accessible_description("It takes a number from -2 to 2; until then it is left to the model.")
    button(dialog, "Done").click()
    ask(page, "one")
    answered(page)
    wanted = {"temperature": 0.7, "top_p": 0.95, "max_tokens": 20, "frequency_penalty": -0.5, "presence_penalty": None}
    assert {name: api.asked[0].get(name) for name in wanted} == wanted


def test_a_reset_empties_every_field(page: Page, api_url: str) -> None:
    start(page, api_url)
    page.keyboard.press("Control+.")
    dialog = page.get_by_role("dialog", name="Settings")
    for label in ("Temperature", "Seed"):
        dialog.get_by_label(label).press_sequentially("-1.5")
    dialog.get_by_label("Top p").press_sequentially("0.5")
    button(dialog, "Reset").click()
    for label in ("Temperature", "Seed", "Top p"):
        expect(dialog.get_by_label(label)).to_have_value("")
    expect(dialog.get_by_text("until then")).to_have_count(0)
