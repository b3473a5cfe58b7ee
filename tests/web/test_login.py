"""Logins that lead away from the page, and back to what was shown and asked."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.driving import answered, ask, field, start
from tests.web.fake_api import FakeApi

pytestmark = pytest.mark.needs("browser")

SESSION = {
    "object": "session",
    "required": True,
    "methods": [{"type": "provider", "name": "Example", "url": "/auth/login"}],
    "user": {"name": "ann", "label": "Ann", "tenant": "default"},
    "role": "member",
    "csrf_token": "token",
    "expires_at": 0,
}
NOBODY = {**SESSION, "user": None, "role": None, "csrf_token": None}


@pytest.fixture
def provided(page: Page, api: FakeApi) -> Page:
    """A page whose provider of identities lets everybody in at once."""

    def log_in(route: Route) -> None:
        api.key = None
        api.answers["/auth/session"] = SESSION
        (back,) = parse_qs(urlsplit(route.request.url).query)["return_to"]
        route.fulfill(status=303, headers={"location": back})

    page.route("**/auth/login?**", log_in)
    return page


def test_the_question_that_a_provider_interrupts_is_offered_again(provided: Page, api: FakeApi, api_url: str) -> None:
    api.answers["/auth/session"] = SESSION
    start(provided, api_url)
    api.key = "none"
    api.answers["/auth/session"] = NOBODY
    ask(provided, "what was lost")
    provided.get_by_role("link", name="Log in with Example").click()
    expect(field(provided)).to_have_value("what was lost")
    field(provided).press("Enter")
    expect(answered(provided)).to_contain_text("You said: what was lost")
    provided.reload()
    expect(field(provided)).to_have_value("")


def test_an_end_of_a_session_is_told_in_the_words_of_one(page: Page, api: FakeApi, api_url: str) -> None:
    api.answers["/auth/session"] = SESSION
    start(page, api_url)
    expect(page.get_by_text("Ann", exact=True)).to_be_visible()
    api.key = "none"
    ask(page, "one")
    told = page.get_by_role("alert")
    expect(told).to_contain_text("The login has ended: please log in again.")
    expect(told).not_to_contain_text("API key")


def test_how_long_to_wait_is_told(page: Page, api: FakeApi, api_url: str) -> None:
    api.answers["/auth/session"] = {**NOBODY, "methods": [{"type": "password"}]}
    page.goto(api_url)
    error = {"error": {"message": "Too many attempts; wait before you try again.", "code": "rate_limit_exceeded"}}
    page.route("**/auth/password", lambda route: route.fulfill(status=429, json=error, headers={"retry-after": "300"}))
    page.get_by_label("Admin password").fill("guess")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("It can be tried again in 5 minutes.")


def test_nothing_is_offered_that_the_role_does_not_allow(page: Page, api: FakeApi, api_url: str) -> None:
    api.answers["/auth/session"] = {**SESSION, "role": "viewer"}
    page.goto(api_url)
    expect(page.get_by_text("you may read, but not ask")).to_be_visible()
    expect(field(page)).to_have_count(0)
    page.goto(f"{api_url}/dashboard?view=models")
    expect(page.get_by_role("region", name="Models", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Load an adapter")).to_have_count(0)


@pytest.mark.parametrize("place", ["/#/guards", "/dashboard?view=requests&range=7d"])
def test_a_login_leads_back_to_the_address_that_was_opened(
    provided: Page, api: FakeApi, api_url: str, place: str
) -> None:
    api.answers["/auth/session"] = NOBODY
    api.key = "none"
    provided.goto(f"{api_url}{place}")
    provided.get_by_role("link", name="Log in with Example").click()
    expect(provided).to_have_url(f"{api_url}{place}")
    expect(provided.get_by_role("link", name="Log in with Example")).to_have_count(0)
