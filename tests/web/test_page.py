"""The chat page in a real browser: before a small API that fails as it is told, and before a real server."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import MODELS, REQUEST_ID, FakeApi

pytestmark = pytest.mark.needs("browser")


def start(page: Page, url: str, model: str = "words") -> None:
    page.goto(url)
    picker(page).select_option(model)


def picker(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Model")


def ask(page: Page, text: str) -> None:
    page.get_by_label("Message").fill(text)
    page.get_by_label("Message").press("Enter")


def turns(page: Page) -> Locator:
    return page.get_by_role("list", name="Conversation").get_by_role("listitem")


def test_an_answer_streams_and_is_measured(page: Page, api: FakeApi, api_url: str) -> None:
    start(page, api_url)
    ask(page, "one two")
    expect(turns(page).nth(0)).to_contain_text("one two")
    expect(turns(page).nth(1)).to_contain_text("You said: one two")
    expect(turns(page).nth(1)).to_contain_text(re.compile(r"TTFT \d+ ms · \d+(\.\d)? tokens/s · 3 tokens"))
    expect(page.get_by_role("status")).to_contain_text("You said: one two")
    expect(page.get_by_label("Message")).to_be_focused()
    assert api.asked[0]["messages"] == [{"role": "user", "content": "one two"}]


def test_the_models_are_those_of_the_server(page: Page, api_url: str) -> None:
    page.goto(api_url)
    expect(picker(page).get_by_role("option")).to_have_text(list(MODELS))


def test_earlier_turns_and_the_system_prompt_go_along(page: Page, api: FakeApi, api_url: str) -> None:
    start(page, api_url)
    page.get_by_text("System prompt").first.click()
    page.get_by_label("System prompt").fill("Be brief.")
    ask(page, "one")
    expect(turns(page).nth(1)).to_contain_text("tokens/s")
    ask(page, "two")
    expect(turns(page).nth(3)).to_contain_text("tokens/s")
    assert [(m["role"], m["content"]) for m in api.asked[1]["messages"]] == [
        ("system", "Be brief."),
        ("user", "one"),
        ("assistant", "You said: one"),
        ("user", "two"),
    ]


def test_behind_a_wildcard_the_rest_of_the_name_is_asked_for(page: Page, api: FakeApi, api_url: str) -> None:
    start(page, api_url, "vendor/*")
    ask(page, "one")
    rest = page.get_by_label("Which model of vendor?")
    expect(rest).to_be_focused()
    rest.fill("large-1")
    page.get_by_label("Message").press("Enter")
    expect(turns(page).nth(1)).to_contain_text("vendor/large-1")
    expect(turns(page).nth(1)).to_contain_text("tokens/s")
    assert api.asked[0]["model"] == "vendor/large-1"
    picker(page).select_option("words")
    expect(rest).to_be_hidden()


def test_a_new_chat_forgets(page: Page, api: FakeApi, api_url: str) -> None:
    start(page, api_url, "stalls")
    ask(page, "one")
    expect(turns(page).nth(1)).to_contain_text("You said: one")
    page.get_by_role("button", name="New chat").click()
    expect(turns(page)).to_have_count(0)
    picker(page).select_option("words")
    ask(page, "two")
    expect(turns(page).nth(1)).to_contain_text("tokens/s")
    assert api.asked[1]["messages"] == [{"role": "user", "content": "two"}]


@pytest.mark.parametrize("how", ["Escape", "button"])
def test_stopping_keeps_what_came_and_frees_the_server(page: Page, api: FakeApi, api_url: str, how: str) -> None:
    start(page, api_url, "stalls")
    ask(page, "one")
    expect(turns(page).nth(1)).to_contain_text("You said: one")
    expect(page.get_by_role("button", name="Send")).to_be_hidden()
    if how == "Escape":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("button", name="Stop").click()
    expect(turns(page).nth(1)).to_contain_text("stopped")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert api.cancelled.wait(5)


def test_text_stays_text(page: Page, api_url: str) -> None:
    text = "<b>bold</b> <img src=x onerror=alert(1)> & **stars**"
    start(page, api_url)
    ask(page, text)
    expect(turns(page).nth(0).locator(".text")).to_have_text(text)
    expect(turns(page).nth(1).locator(".text")).to_have_text(f"You said: {text}")


def test_events_may_be_cut_at_any_byte(page: Page, api_url: str) -> None:
    start(page, api_url, "bytewise")
    ask(page, "x")
    expect(turns(page).nth(1).locator(".text")).to_have_text("Grüße, 水 🌊")


def test_without_usage_the_figures_are_marked_as_counted_pieces(page: Page, api_url: str) -> None:
    start(page, api_url, "no-usage")
    ask(page, "one two")
    expect(turns(page).nth(1)).to_contain_text("≈ 3 tokens")


def test_an_empty_answer_is_said_to_be_empty(page: Page, api_url: str) -> None:
    start(page, api_url, "empty")
    ask(page, "x")
    expect(turns(page).nth(1)).to_contain_text("empty answer")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("refuses", f"Too many requests. (rate_limit_exceeded, request {REQUEST_ID})"),
        ("breaks", f"The upstream broke. (upstream_error, request {REQUEST_ID})"),
        ("cut", f"The answer broke off before its end. (request {REQUEST_ID})"),
        ("html", f"The server did not answer with a stream. (request {REQUEST_ID})"),
    ],
)
def test_a_failure_is_shown_with_the_request_id(
    page: Page, api: FakeApi, api_url: str, model: str, message: str
) -> None:
    start(page, api_url, model)
    ask(page, "one")
    expect(page.get_by_role("alert").filter(has_text=message)).to_be_visible()
    picker(page).select_option("words")
    ask(page, "two")
    expect(turns(page).nth(3)).to_contain_text("tokens/s")
    assert [m["content"] for m in api.asked[1]["messages"]] == ["two"], "a failed turn is no part of the conversation"


def test_a_failed_question_can_be_asked_again(page: Page, api_url: str) -> None:
    start(page, api_url, "fails-first")
    ask(page, "one")
    page.get_by_role("button", name="Try again").click()
    expect(turns(page).nth(1)).to_contain_text("You said: one")
    expect(turns(page)).to_have_count(2)


def test_a_server_that_is_gone_is_said_to_be(page: Page, api_url: str) -> None:
    start(page, api_url)
    page.context.set_offline(True)
    ask(page, "one")
    expect(page.get_by_role("alert").filter(has_text="The server cannot be reached.")).to_be_visible()


def test_the_key_is_asked_for_and_kept_for_the_tab(page: Page, api: FakeApi, api_url: str) -> None:
    api.key = "fb-right"
    page.goto(api_url)
    field = page.get_by_label("This server asks for an API key")
    expect(field).to_be_focused()
    field.fill("fb-wrong")
    field.press("Enter")
    expect(page.get_by_text("Incorrect API key provided.")).to_be_visible()
    field.fill("fb-right")
    field.press("Enter")
    expect(field).to_be_hidden()
    ask(page, "one")
    expect(turns(page).nth(1)).to_contain_text("You said: one")
    page.reload()
    expect(picker(page).get_by_role("option")).to_have_text(list(MODELS))
    expect(field).to_be_hidden()
    assert page.evaluate("localStorage.length") == 0


def test_a_key_that_is_wanted_later_is_asked_for_and_the_question_goes_again(
    page: Page, api: FakeApi, api_url: str
) -> None:
    start(page, api_url)
    api.key = "fb-right"
    ask(page, "one")
    field = page.get_by_label("This server asks for an API key")
    expect(field).to_be_focused()
    field.fill("fb-right")
    field.press("Enter")
    expect(field).to_be_hidden()
    page.get_by_role("button", name="Try again").click()
    expect(turns(page).nth(1)).to_contain_text("You said: one")


def test_everything_can_be_done_with_the_keyboard(page: Page, api_url: str) -> None:
    page.goto(api_url)
    expect(picker(page)).to_be_enabled()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the message field")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    expect(turns(page).nth(0).locator(".text")).to_have_text("one\ntwo", use_inner_text=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_small_screen(page: Page, api_url: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 360, "height": 640})
    start(page, api_url)
    ask(page, "unbreakable" * 40)
    expect(turns(page).nth(1)).to_contain_text("tokens/s")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    expect(page.get_by_role("button", name="Send")).to_be_in_viewport()


@pytest.mark.engine
def test_the_engine_answers_in_the_page(page: Page, server_url: str) -> None:
    page.goto(server_url)
    expect(picker(page)).to_be_enabled()
    ask(page, "Say hello.")
    expect(turns(page).nth(1)).to_contain_text("tokens/s", timeout=60_000)
    expect(turns(page).nth(1).locator(".text")).not_to_be_empty()
