"""The review page in a browser: what is in the queue, and what becomes of it."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.driving import button
from tests.web.fake_api import FakeApi

pytestmark = pytest.mark.needs("browser")

REVIEW = {
    "id": "req_1",
    "object": "review",
    "at": 1.7e9,
    "model": "words",
    "prompt": "support@2",
    "reasons": ["thumbs_down", "guard"],
    "state": "open",
    "labels": [],
    "comment": "",
    "correction": "",
    "reviewer": None,
    "text_kept": True,
    "messages": [{"role": "user", "content": "Where is <b>it</b>?"}],
    "answer": "In <i>Paris</i>.",
}
BARE = {**REVIEW, "id": "req_2", "reasons": ["sample"], "text_kept": False, "messages": [], "answer": None}
LABELLED = {**REVIEW, "state": "labelled", "labels": ["wrong"], "reviewer": "alice", "comment": "It moved."}


def test_flagged_answers_are_read_and_labelled(page: Page, api: FakeApi, api_url: str) -> None:
    api.answers |= {
        "/v1/reviews": {"object": "list", "data": [REVIEW, BARE], "has_more": False, "last": None},
        "/v1/reviews/req_1": LABELLED,
    }
    page.goto(f"{api_url}/#/reviews")
    first, second = page.get_by_label("Request req_1"), page.get_by_label("Request req_2")
    expect(first).to_contain_text("Where is <b>it</b>?")
    expect(first).to_contain_text("In <i>Paris</i>.")
    expect(first).to_contain_text("guard objected")
    expect(second).to_contain_text("No text of request req_2 was kept.")
    label = first.get_by_role("button", name="Label", exact=True)
    expect(label).to_be_disabled()
    first.get_by_role("button", name="wrong").click()
    first.get_by_placeholder("Comment").fill("It moved.")
    label.click()
    expect(first).to_contain_text("by alice: It moved.")
    assert api.bodies["/v1/reviews/req_1"] == {"labels": ["wrong"], "comment": "It moved.", "correction": ""}


def test_an_empty_queue_and_a_server_without_one_say_so(page: Page, api: FakeApi, api_url: str) -> None:
    page.goto(f"{api_url}/#/reviews")
    expect(page.get_by_text("This server keeps no queue")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    api.answers["/v1/reviews"] = {"object": "list", "data": [], "has_more": False, "last": None}
    page.get_by_label("Reason").select_option("guard")
    expect(page.get_by_text("Nothing to review.")).to_be_visible()
    expect(button(page, "Show more")).to_have_count(0)
