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
