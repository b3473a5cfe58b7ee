"""The web app before a real server with a store, whose model is a small API of OpenAI's shape."""

import json
import re
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.served import Served, forebay
from tests.web.driving import answered, ask, button, picker, turns
from tests.web.fake_api import FakeApi
from tests.web.relay import Relay, relaying

pytestmark = pytest.mark.needs("browser")

CONFIGURATION = """
store: {{url: "sqlite:///{folder}/forebay.db", conversations: {{titles: words}}}}

guards:
  ban: {{kind: ban_list, words: [forbidden], on_fail: exception, on: [input]}}
policies: {{everywhere: [ban]}}
cache: memory
providers:
  far: {{kind: openai, base_url: "{url}/v1"}}
models:
  words: {{provider: far, cache: "off"}}
  stalls: {{provider: far, cache: "off"}}
  cut: {{provider: far, cache: "off"}}
  cached: {{provider: far, model: words}}
"""


@pytest.fixture(scope="module")
def stored(serving_api: tuple[FakeApi, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("web")
    configuration = folder / "forebay.yaml"
    configuration.write_text(CONFIGURATION.format(folder=folder, url=serving_api[1]))
    with forebay("--config", str(configuration)) as server:
        yield server


@pytest.fixture
def opened(page: Page, stored: Served, api: FakeApi) -> Page:  # noqa: ARG001  # it begins anew
    page.goto(stored.url)
    expect(picker(page)).to_be_enabled()
    return page


def reopened(page: Page) -> None:
    expect(page).to_have_url(re.compile(r"#/chat/conv_"))
    page.reload()
    expect(turns(page).first).to_be_visible()


def test_a_conversation_is_kept_with_its_branches(opened: Page) -> None:
    ask(opened, "one")
    expect(answered(opened)).to_contain_text("You said: one")
    button(turns(opened).nth(1), "Regenerate").click()
    expect(answered(opened).get_by_role("img", name="Version 2 of 2")).to_be_visible()
    ask(opened, "two")
    answered(opened, 3)
    reopened(opened)
    expect(turns(opened)).to_have_count(4)
    expect(turns(opened).nth(3)).to_contain_text(re.compile(r"3 tokens · .*TTFT"))
    button(turns(opened).nth(0), "Edit").click()
    opened.get_by_label("Edit message").fill("three")
    opened.keyboard.press("Control+Enter")
    expect(answered(opened)).to_contain_text("You said: three")
    expect(turns(opened).nth(0).get_by_role("img", name="Version 2 of 2")).to_be_visible()
    reopened(opened)
    button(turns(opened).nth(0), "Previous version").click()
    expect(turns(opened)).to_have_count(4)
    expect(opened.get_by_role("list", name="Today").get_by_role("link", name="one")).to_be_visible()


def test_thumbs_come_with_a_reason(opened: Page, stored: Served) -> None:
    ask(opened, "one")
    answer = answered(opened)
    button(answer, "Bad answer").click()
    button(answer, "too long").click()
    answer.get_by_label("Comment").fill("Say less.")
    button(answer, "Send feedback").click()
    expect(opened.get_by_role("status")).to_contain_text("Thank you.")
    with urllib.request.urlopen(f"{stored.url}/v1/feedback?limit=1") as reply:
        (kept,) = json.load(reply)["data"]
    assert (kept["rating"], kept["comment"], kept["labels"]) == ("down", "Say less.", ["too long"])
    reopened(opened)
    thumb = button(turns(opened).nth(1), "Bad answer")
    expect(thumb).to_have_attribute("aria-pressed", "true")
    thumb.click()
    expect(thumb).to_have_attribute("aria-pressed", "false")
    reopened(opened)
    expect(button(turns(opened).nth(1), "Bad answer")).to_have_attribute("aria-pressed", "false")


def test_a_first_answer_that_breaks_off_is_not_lost(opened: Page) -> None:
    shelf = opened.get_by_role("navigation", name="Conversations and pages").get_by_role("link", name="broken at first")
    picker(opened).select_option("cut")
    ask(opened, "broken at first")
    expect(opened.get_by_role("alert")).to_be_visible()
    expect(shelf).to_have_count(1)
    reopened(opened)
    expect(turns(opened).nth(1)).to_contain_text("You said: broken at first")
    expect(turns(opened).nth(1).get_by_text("cut off", exact=True)).to_be_visible()
    expect(shelf).to_have_count(1)


def test_a_first_answer_has_its_address_while_it_comes_and_another_try_stays_there(opened: Page) -> None:
    picker(opened).select_option("stalls")
    ask(opened, "stalled at first")
    expect(opened).to_have_url(re.compile(r"#/chat/conv_"))
    begun = opened.url
    expect(button(opened, "Stop")).to_be_visible()
    opened.keyboard.press("Escape")
    answered(opened)
    picker(opened).select_option("cut")
    button(turns(opened).nth(1), "Regenerate").click()
    expect(opened.get_by_role("alert")).to_be_visible()
    picker(opened).select_option("words")
    button(opened, "Try again").click()
    expect(opened.get_by_role("alert")).to_have_count(0)
    answered(opened)
    expect(opened).to_have_url(begun)
    expect(opened.get_by_role("list", name="Today").get_by_role("link", name="stalled at first")).to_have_count(1)


def test_what_was_stopped_or_cut_opens_and_goes_on(opened: Page) -> None:
    picker(opened).select_option("stalls")
    ask(opened, "one")
    expect(turns(opened).nth(1)).to_contain_text("You said: one")
    opened.keyboard.press("Escape")
    answered(opened)
    picker(opened).select_option("cut")
    ask(opened, "two")
    expect(opened.get_by_role("alert")).to_be_visible()
    picker(opened).select_option("words")
    button(opened, "Try again").click()
    expect(answered(opened, 3)).to_contain_text("You said: two")
    expect(opened.get_by_role("alert")).to_have_count(0)
    reopened(opened)
    expect(turns(opened)).to_have_count(4)
    expect(turns(opened).nth(1).get_by_text("cut off", exact=True)).to_be_visible()


def test_a_conversation_opened_while_another_is_made_stays_open(opened: Page) -> None:
    ask(opened, "opened at once")
    answered(opened)
    expect(opened).to_have_url(re.compile(r"#/chat/conv_"))
    before = opened.url
    button(opened, "New chat").click()
    opened.route("**/v1/conversations", lambda _: None)  # it waits until nobody holds it back
    with opened.expect_request("**/v1/conversations"):
        ask(opened, "left behind")
    opened.goto(before)
    expect(turns(opened).nth(0)).to_contain_text("opened at once")
    with opened.expect_response("**/v1/conversations"):
        opened.unroute("**/v1/conversations")
    ask(opened, "more")
    expect(answered(opened, 3)).to_contain_text("You said: more")
    assert opened.url == before


def test_two_tabs_write_into_one_conversation(opened: Page) -> None:
    ask(opened, "one")
    answered(opened)
    expect(opened).to_have_url(re.compile(r"#/chat/conv_"))
    other = opened.context.new_page()
    other.goto(opened.url)
    answered(other)
    ask(other, "two")
    answered(other, 3)
    ask(opened, "three")
    expect(answered(opened, 3)).to_contain_text("You said: three")
    expect(turns(opened)).to_have_count(4)
    button(turns(opened).nth(2), "Previous version").click()
    expect(turns(opened).nth(3)).to_contain_text("You said: two")
    other.close()


def test_a_question_follows_what_its_writer_sees_whatever_another_tab_has_edited(opened: Page) -> None:
    ask(opened, "one")
    answered(opened)
    expect(opened).to_have_url(re.compile(r"#/chat/conv_"))
    other = opened.context.new_page()
    other.goto(opened.url)
    for page, text in ((opened, "mine"), (other, "theirs")):
        button(turns(page).nth(0), "Edit").click()
        page.get_by_label("Edit message").fill(text)
        page.keyboard.press("Control+Enter")
        expect(answered(page)).to_contain_text(f"You said: {text}")
    other.close()
    ask(opened, "more")
    expect(answered(opened, 3)).to_contain_text("You said: more")
    reopened(opened)
    expect(turns(opened).nth(0)).to_contain_text("mine")
    expect(turns(opened)).to_have_count(4)


def test_an_equal_question_is_answered_by_the_cache_and_another_answer_is_not(opened: Page, api: FakeApi) -> None:
    picker(opened).select_option("cached")
    hit = opened.get_by_text("cache hit", exact=True)
    ask(opened, "one")
    answered(opened)
    expect(hit).to_have_count(0)
    button(opened, "New chat").click()
    ask(opened, "one")
    answered(opened)
    expect(hit).to_be_visible()
    assert len(api.asked) == 1
    button(turns(opened).nth(1), "Regenerate").click()
    expect(answered(opened).get_by_role("img", name="Version 2 of 2")).to_be_visible()
    expect(hit).to_have_count(0)
    assert len(api.asked) == 2


def test_a_question_to_a_conversation_that_is_gone_goes_into_a_new_one(opened: Page, stored: Served) -> None:
    ask(opened, "soon to be deleted")
    answered(opened)
    expect(opened).to_have_url(re.compile(r"#/chat/conv_"))
    before = opened.url
    identity = before.rpartition("/")[2]
    with urllib.request.urlopen(urllib.request.Request(f"{stored.url}/v1/conversations/{identity}", method="DELETE")):
        pass
    ask(opened, "where am I")
    told = opened.get_by_role("alert")
    expect(told).to_contain_text(re.compile(r"This conversation was deleted meanwhile.*\(not_found, request req_\w+\)"))
    expect(button(opened, "Try again")).to_have_count(0)
    expect(opened.get_by_role("link", name="soon to be deleted")).to_have_count(0)
    button(opened, "Ask in a new conversation").click()
    expect(answered(opened)).to_contain_text("You said: where am I")
    expect(turns(opened)).to_have_count(2)
    expect(told).to_have_count(0)
    expect(opened).not_to_have_url(before)
    reopened(opened)
    expect(turns(opened)).to_have_count(2)


@pytest.fixture
def wired(page: Page, stored: Served, api: FakeApi) -> Iterator[tuple[Page, Relay]]:  # noqa: ARG001  # it begins anew
    with relaying(stored.url) as relay:
        page.goto(relay.url)
        expect(picker(page)).to_be_enabled()
        yield page, relay


def test_a_network_that_is_gone_is_told_in_one_place(wired: tuple[Page, Relay]) -> None:
    page, relay = wired
    ask(page, "one")
    answered(page)
    relay.cut(told=True)
    ask(page, "two")
    expect(turns(page).nth(3).get_by_role("alert")).to_contain_text("The server cannot be reached.")
    expect(page.get_by_role("alert")).to_have_count(1)
    relay.mend()


LONG = " ".join(f"w{number}" for number in range(60))


def test_the_answer_of_a_server_that_went_on_is_shown_when_the_network_is_back(
    wired: tuple[Page, Relay], api: FakeApi
) -> None:
    page, relay = wired
    api.pause = 0.05
    ask(page, LONG)
    expect(turns(page).nth(1)).to_contain_text("w3")
    relay.cut(told=False)
    expect(page.get_by_role("alert")).to_contain_text("What the server has of the answer is shown as soon as it can")
    relay.mend()
    expect(answered(page)).to_contain_text("w59")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("status")).to_contain_text("w59")
    expect(turns(page)).to_have_count(2)
    expect(turns(page).get_by_role("img", name="Version")).to_have_count(0)
    assert len(api.asked) == 1


def test_an_answer_that_was_cut_with_the_network_is_asked_for_again_but_the_question_is_not_doubled(
    wired: tuple[Page, Relay], api: FakeApi
) -> None:
    page, relay = wired
    api.pause = 0.05
    ask(page, LONG)
    expect(turns(page).nth(1)).to_contain_text("w3")
    relay.cut(told=True)
    alert = page.get_by_role("alert")
    expect(alert).to_be_visible()
    button(page, "Try again").click()
    expect(alert).to_contain_text("The server cannot be reached.")
    relay.mend()
    expect(turns(page).nth(1).get_by_text("cut off", exact=True)).to_be_visible()
    api.pause = 0.0
    button(page, "Try again").click()
    expect(answered(page)).to_contain_text("w59")
    expect(alert).to_have_count(0)
    expect(turns(page)).to_have_count(2)
    reopened(page)
    expect(turns(page)).to_have_count(2)
    expect(turns(page).nth(1).get_by_role("img", name="Version 2 of 2")).to_be_visible()


def test_what_a_guard_refuses_is_told(opened: Page) -> None:
    ask(opened, "This is forbidden")
    expect(opened.get_by_role("alert")).to_contain_text("The guard 'ban'")
    opened.goto(re.sub(r"#.*", "", opened.url) + "#/guards")
    opened.get_by_label("Text").fill("This is forbidden")
    button(opened, "Check").click()
    expect(opened.get_by_role("heading", name="Is refused")).to_be_visible()
    expect(opened.get_by_role("region", name="Guard ban").locator("mark")).to_contain_text("forbidden")


def test_a_conversation_that_is_gone_is_said_to_be(opened: Page, stored: Served) -> None:
    opened.goto(f"{stored.url}/#/chat/conv_nothing")
    expect(opened.get_by_role("heading", name="This conversation is not here")).to_be_visible()


def test_a_conversation_is_shared_by_links_that_are_copied_and_revoked(opened: Page) -> None:
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(opened, "worth sharing")
    answered(opened)
    more = button(opened, "More about worth sharing")
    more.focus()
    opened.keyboard.press("Enter")
    button(opened, "Share").focus()
    opened.keyboard.press("Enter")
    dialog = opened.get_by_role("dialog", name="Share conversation")
    expect(dialog.get_by_text("There is none.")).to_be_visible()
    dialog.get_by_role("combobox", name="It ends after").select_option("1 day")
    button(dialog, "Make a link").click()
    expect(dialog.get_by_role("status")).to_contain_text("The link was made.")
    link = dialog.get_by_label("Link", exact=True).input_value()
    button(dialog, "Copy link").click()
    expect(dialog.get_by_role("status")).to_contain_text("Copied.")
    assert opened.evaluate("navigator.clipboard.readText()") == link
    with urllib.request.urlopen(link) as reply:
        assert "You said: worth sharing" in reply.read().decode()
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    dialog.get_by_role("button", name="Revoke the link").click()
    expect(dialog.get_by_text("There is none.")).to_be_visible()
    expect(dialog.get_by_label("Link", exact=True)).to_have_count(0)
    expect(dialog.get_by_role("heading", name="Links that show it")).to_be_focused()
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        urllib.request.urlopen(link)
    refused.value.close()
    opened.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(more).to_be_focused()


def test_files_of_the_server_go_out_and_in(opened: Page, tmp_path: Path) -> None:
    ask(opened, "About seas")
    answered(opened)
    button(opened, "More about About seas").click()
    with opened.expect_download() as told:
        button(opened, "Export as JSON").click()
    told.value.save_as(tmp_path / "seas.json")
    before = opened.url
    opened.get_by_label("File to import").set_input_files(tmp_path / "seas.json")
    expect(opened).not_to_have_url(before)
    expect(turns(opened).nth(1)).to_contain_text("You said: About seas")
    button(opened, "More about About seas").first.click()
    with opened.expect_download() as told:
        button(opened, "Export as Markdown").click()
    assert "You said: About seas" in told.value.path().read_text()
    (tmp_path / "bad.json").write_text('{"object": "other"}')
    opened.get_by_label("File to import").set_input_files(tmp_path / "bad.json")
    expect(opened.get_by_role("alert")).to_contain_text(
        "bad.json: This file is no conversation of Forebay's. Invalid value 'other' for 'object'."
    )
    (tmp_path / "Notes.md").write_text("<!-- forebay:user -->\n\nHello\n")
    opened.get_by_label("File to import").set_input_files(tmp_path / "Notes.md")
    expect(opened.get_by_role("alert")).to_have_count(0)
    expect(opened.get_by_role("list", name="Today").get_by_role("link", name="Hello")).to_be_visible()


def test_nothing_of_it_is_left_when_it_is_deleted(opened: Page, stored: Served) -> None:
    ask(opened, "unforgettable")
    answered(opened)
    button(opened, "More about unforgettable").click()
    button(opened, "Delete").click()
    button(opened.get_by_role("dialog"), "Delete").click()
    expect(opened.get_by_role("status")).to_contain_text("The conversation was deleted.")
    history = next(line for line in stored.lines if "history" in line)
    with sqlite3.connect(re.search(r"(/\S+\.db)", history)[1]) as database:  # type: ignore[index]
        dump = "\n".join(database.iterdump())
    assert "unforgettable" not in dump


@pytest.mark.engine
def test_the_engine_answers_in_the_page(page: Page, server_url: str) -> None:
    page.goto(server_url)
    expect(picker(page)).to_be_enabled()
    page.keyboard.press("Control+.")
    page.get_by_label("Max tokens").fill("12")
    page.keyboard.press("Escape")
    ask(page, "Say hello.")
    expect(turns(page).nth(1)).to_contain_text("tokens/s", timeout=60_000)
    expect(turns(page).nth(1).locator(".markdown")).not_to_be_empty()
