"""The chat in a real browser, before a small API that fails as it is told."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.driving import answered, ask, button, field, picker, start, turns
from tests.web.fake_api import MODELS, REQUEST_ID, FakeApi

pytestmark = pytest.mark.needs("browser")


def test_an_answer_streams_and_is_measured(page: Page, api: FakeApi, api_url: str) -> None:
    api.pause = 0.05
    start(page, api_url)
    ask(page, "one two")
    expect(turns(page).nth(0)).to_contain_text("one two")
    answer = answered(page)
    expect(answer).to_contain_text("You said: one two")
    expect(answer).to_contain_text(re.compile(r"4 tokens · \d+(\.\d)? tokens/s · TTFT \d+ ms · \$0\.00012"))
    for badge in ("cache hit", "watermark: autumn", "2 attempts", "guard personal: fixed"):
        expect(answer.get_by_text(badge, exact=True)).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("You said: one two")
    expect(field(page)).to_be_focused()
    assert api.asked[0]["messages"] == [{"role": "user", "content": "one two"}]


def test_the_details_tell_the_route(page: Page, api_url: str) -> None:
    start(page, api_url)
    ask(page, "one")
    answer = answered(page)
    button(answer, "Details").click()
    for text in (
        "12 tokens, 8 of them cached",
        "gateway 1.3 ms, provider 20.5 ms",
        REQUEST_ID,
        "Stop reason",
        "guard 20 ms",
    ):
        expect(answer).to_contain_text(text)
    expect(answer.get_by_text("far/words: timeout after 500 ms (first)")).to_be_visible()


def test_the_models_are_those_of_the_server(page: Page, api_url: str) -> None:
    page.goto(api_url)
    expect(picker(page).get_by_role("option")).to_have_text(list(MODELS))


def test_models_that_cannot_chat_are_not_offered(page: Page, api: FakeApi, api_url: str) -> None:
    api.operations = {"words": ["embeddings"], "echo": ["chat/completions"]}
    page.goto(api_url)
    expect(picker(page).get_by_role("option")).to_have_text(list(MODELS[1:]))
    expect(picker(page)).to_have_value("echo")


def test_no_speed_is_told_of_what_came_at_once(page: Page, api: FakeApi, api_url: str) -> None:
    api.pause = 0
    start(page, api_url)
    ask(page, "one two")
    expect(answered(page).locator(".figure-line")).to_have_text(re.compile(r"^4 tokens · TTFT"))


def test_earlier_turns_and_the_settings_go_along(page: Page, api: FakeApi, api_url: str) -> None:
    start(page, api_url)
    page.keyboard.press("Control+.")
    settings = page.get_by_role("dialog", name="Settings")
    settings.get_by_label("System prompt").fill("Be brief.")
    settings.get_by_label("Temperature").fill("0.5")
    settings.get_by_label("Seed").fill("7")
    settings.get_by_label("Max tokens").fill("20")
    settings.get_by_label("Stop sequences").fill("END\n")
    settings.get_by_label("Watermark").select_option("On")
    button(settings, "Done").click()
    expect(button(page, "6 set")).to_be_visible()
    ask(page, "one")
    answered(page)
    ask(page, "two")
    answered(page, 3)
    asked = api.asked[1]
    assert [(m["role"], m["content"]) for m in asked["messages"]] == [
        ("system", "Be brief."),
        ("user", "one"),
        ("assistant", "You said: one"),
        ("user", "two"),
    ]
    wanted = {"temperature": 0.5, "seed": 7, "max_tokens": 20, "stop": ["END"], "watermark": True}
    assert {name: asked[name] for name in wanted} == wanted
    page.reload()
    expect(button(page, "6 set")).to_be_visible()


def test_behind_a_wildcard_the_rest_of_the_name_is_asked_for(page: Page, api: FakeApi, api_url: str) -> None:
    start(page, api_url, "vendor/*")
    ask(page, "one")
    rest = page.get_by_label("Which model of vendor?")
    expect(rest).to_be_focused()
    rest.fill("large-1")
    field(page).press("Enter")
    answered(page)
    assert api.asked[0]["model"] == "vendor/large-1"
    picker(page).select_option("words")
    expect(rest).to_be_hidden()


@pytest.mark.parametrize("how", ["Escape", "button"])
def test_stopping_keeps_what_came_and_frees_the_server(page: Page, api: FakeApi, api_url: str, how: str) -> None:
    start(page, api_url, "stalls")
    ask(page, "one")
    expect(turns(page).nth(1)).to_contain_text("You said: one")
    expect(button(page, "Send")).to_be_hidden()
    if how == "Escape":
        page.keyboard.press("Escape")
    else:
        button(page, "Stop").click()
    expect(answered(page).get_by_text("stopped", exact=True)).to_be_visible()
    expect(button(page, "Send")).to_be_visible()
    assert api.cancelled.wait(5)


def test_an_answer_is_generated_again_beside_the_first(page: Page, api: FakeApi, api_url: str) -> None:
    start(page, api_url)
    ask(page, "one")
    button(answered(page), "Regenerate").click()
    answer = answered(page)
    expect(answer.get_by_role("img", name="Version 2 of 2")).to_be_visible()
    button(answer, "Previous version").click()
    expect(turns(page).nth(1).get_by_role("img", name="Version 1 of 2")).to_be_visible()
    expect(turns(page)).to_have_count(2)
    assert api.asked[0]["messages"] == api.asked[1]["messages"]


def test_a_question_is_edited_beside_the_first(page: Page, api: FakeApi, api_url: str) -> None:
    start(page, api_url)
    ask(page, "one")
    answered(page)
    ask(page, "two")
    answered(page, 3)
    button(turns(page).nth(0), "Edit").click()
    editor = page.get_by_label("Edit message")
    expect(editor).to_be_focused()
    editor.fill("three")
    editor.press("Control+Enter")
    expect(answered(page)).to_contain_text("You said: three")
    expect(turns(page)).to_have_count(2)
    assert api.asked[2]["messages"] == [{"role": "user", "content": "three"}]
    button(turns(page).nth(0), "Previous version").click()
    expect(turns(page)).to_have_count(4)
    expect(turns(page).nth(3)).to_contain_text("You said: two")


def test_messages_and_code_are_copied(page: Page, api_url: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    start(page, api_url, "echo")
    ask(page, "Look:\n\n```python\nprint(1)\n```\n")
    answer = answered(page)
    expect(answer.locator(".hljs-number")).to_have_text("1")
    button(answer, "Copy code").click()
    assert page.evaluate("navigator.clipboard.readText()") == "print(1)\n"
    button(answer, "Copy message").click()
    expect(page.get_by_role("status")).to_contain_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "Look:\n\n```python\nprint(1)\n```"


def test_without_usage_the_figures_are_marked_as_counted_pieces(page: Page, api_url: str) -> None:
    start(page, api_url, "no-usage")
    ask(page, "one two")
    expect(answered(page)).to_contain_text("≈ 4 tokens")


def test_an_empty_answer_is_said_to_be_empty(page: Page, api_url: str) -> None:
    start(page, api_url, "empty")
    ask(page, "x")
    expect(answered(page)).to_contain_text("empty answer")


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
    button(page, "Try again").click()
    expect(answered(page)).to_contain_text("You said: one")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert [m["content"] for m in api.asked[1]["messages"]] == ["one"]


def test_a_failed_turn_is_no_part_of_the_conversation(page: Page, api: FakeApi, api_url: str) -> None:
    start(page, api_url, "refuses")
    ask(page, "one")
    expect(page.get_by_role("alert")).to_be_visible()
    picker(page).select_option("words")
    ask(page, "two")
    answered(page)
    assert [m["content"] for m in api.asked[1]["messages"]] == ["two"]


def test_a_server_that_is_gone_is_said_to_be_and_asked_again(page: Page, api_url: str) -> None:
    start(page, api_url)
    page.context.set_offline(True)
    ask(page, "one")
    expect(page.get_by_role("alert").filter(has_text="The server cannot be reached.")).to_be_visible()
    page.context.set_offline(False)
    button(page, "Try again").click()
    expect(answered(page)).to_contain_text("You said: one")


def test_a_model_that_is_gone_leaves_the_list(page: Page, api: FakeApi, api_url: str) -> None:
    start(page, api_url, "echo")
    api.models.remove("echo")
    ask(page, "one")
    expect(page.get_by_role("alert").filter(has_text="There is no model 'echo'. (model_not_found")).to_be_visible()
    expect(picker(page).get_by_role("option", name="echo")).to_have_count(0)
    button(page, "Try again").click()
    expect(answered(page)).to_contain_text("You said: one")


def test_the_key_is_asked_for_and_kept_for_the_tab(page: Page, api: FakeApi, api_url: str) -> None:
    api.key = "fb-right"
    page.goto(api_url)
    key = page.get_by_label("API key", exact=True)
    expect(page.get_by_role("heading", name="This server asks for an API key")).to_be_visible()
    expect(key).to_be_focused()
    key.fill("fb-wrong")
    key.press("Enter")
    expect(page.get_by_text("Incorrect API key provided.")).to_be_visible()
    key.fill("fb-right")
    key.press("Enter")
    expect(key).to_be_hidden()
    ask(page, "one")
    expect(answered(page)).to_contain_text("You said: one")
    page.reload()
    expect(picker(page).get_by_role("option")).to_have_text(list(MODELS))
    assert "fb-right" not in page.evaluate("JSON.stringify(localStorage)")


def test_a_login_that_ends_is_asked_for_and_the_question_goes_again(page: Page, api: FakeApi, api_url: str) -> None:
    start(page, api_url)
    api.key = "fb-right"
    ask(page, "one")
    key = page.get_by_label("API key", exact=True)
    expect(key).to_be_focused()
    key.fill("fb-right")
    key.press("Enter")
    button(page, "Try again").click()
    expect(answered(page)).to_contain_text("You said: one")
