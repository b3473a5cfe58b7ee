"""Logging in at real providers, with a browser that does what browsers do."""

import time
from typing import Any

import pytest

from forebay.auth.login import sessions
from forebay.settings import ClaimSettings, LoginSettings, RoleSettings
from tests.api.login.conftest import KEY, Open, provider
from tests.support.browser import Browser, Page
from tests.support.identity import HOME, Identity

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
MEMBERS = RoleSettings(default="member")

node = pytest.mark.needs("oidc-provider")
mock = pytest.mark.needs("oidc-provider-mock")


class Later:
    """A clock that is ahead."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def time(self) -> float:
        return time.time() + self.seconds


async def log_in(browser: Browser, name: str, path: str = "/") -> Page:
    """From the page's button to the way back, and through it; the provider knows nobody yet."""
    browser.cookies = {browser.home: browser.own}
    back = await browser.log_in_at(await browser.get(f"/auth/login?return_to={path}"), name)
    return await browser.get(back.location)


async def session(browser: Browser) -> Any:
    page = await browser.get("/auth/session")
    assert page.status == 200
    assert page.headers["cache-control"] == "no-store"
    return page.json


async def chat(browser: Browser, **headers: str) -> Page:
    return await browser.post("/v1/chat/completions", CHAT, **headers)


@node
async def test_a_whole_visit_with_the_certified_provider(open_browser: Open, oidc_provider: Identity) -> None:
    async with open_browser(LoginSettings(provider(oidc_provider, title="Example"))) as browser:
        before = await session(browser)
        assert before["methods"] == [
            {"type": "provider", "name": "Example", "url": "/auth/login"},
            {"type": "key"},
        ]
        assert (before["required"], before["user"], before["csrf_token"]) == (True, None, None)
        assert (await chat(browser)).status == 401

        page = await log_in(browser, "alice", "/%23/chat")
        assert (page.status, page.headers["location"]) == (303, "/#/chat")
        assert set(browser.own) == {"__Host-forebay-session"}
        assert all("HttpOnly; SameSite=Lax; Secure" in each for each in browser.raw if "forebay" in each)
        assert not any("Domain" in each or "Path=/;" not in each for each in browser.raw if "forebay" in each)
        told = await session(browser)
        assert told["user"] == {"name": "alice", "label": "alice of Example", "tenant": "default"}
        assert told["role"] == "admin"

        token = told["csrf_token"]
        assert (await browser.get("/v1/models")).status == 200
        assert (await chat(browser)).code == "invalid_csrf_token"
        assert (await chat(browser, x_csrf_token="0" * 64)).code == "invalid_csrf_token"
        assert (await chat(browser, x_csrf_token=token)).status == 200

        assert (await browser.post("/auth/logout")).code == "invalid_csrf_token"
        kept = dict(browser.own)
        out = await browser.post("/auth/logout", x_csrf_token=token)
        assert out.json["url"].startswith(f"{oidc_provider.issuer}/session/end?id_token_hint=ey")
        assert (await browser.get(out.json["url"])).status == 200  # it asks whether to log out
        assert not browser.own
        browser.own.update(kept)
        assert (await session(browser))["user"] is None
        assert (await chat(browser, x_csrf_token=token)).status == 401
        assert (await browser.post("/auth/logout")).json == {"object": "logout", "url": None}


@node
async def test_roles_and_a_session_on_every_process(open_browser: Open, oidc_provider: Identity) -> None:
    settings = LoginSettings(provider(oidc_provider))
    async with open_browser(settings) as browser, open_browser(settings) as other:
        await log_in(browser, "carol")
        other.own.update(browser.own)
        told = await session(other)
        assert (told["role"], told["user"]["name"]) == ("viewer", "carol")
        with_token = {"x_csrf_token": told["csrf_token"]}
        assert (await other.get("/v1/models")).status == 200
        for path in ("/v1/usage", "/v1/conversations", "/metrics"):
            assert (await other.get(path)).status == 200
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            headers = {"x-csrf-token": told["csrf_token"], "content-type": "application/json"}
            page = await other.send(method, "/v1/conversations/conv_1", headers, b"{}")
            assert page.status in {403, 405}
        assert (await other.get("/admin/audit")).status in {403, 404}
        assert (await chat(other, **with_token)).code == "insufficient_scope"
        assert (await other.post("/v1/messages", {}, **with_token)).status == 403
        assert (await other.get("/admin/config")).status in {404, 405}

        await log_in(browser, "bob")
        told = await session(browser)
        assert told["role"] == "member"
        assert (await chat(browser, x_csrf_token=told["csrf_token"])).status == 200
        assert (await session(other))["user"] is None  # the same browser's former session has ended

        refused = await log_in(browser, "mallory")
        assert (refused.status, refused.code) == (403, "no_role")


@node
async def test_a_code_is_good_once_and_for_its_own_browser(open_browser: Open, oidc_provider: Identity) -> None:
    async with open_browser(LoginSettings(provider(oidc_provider))) as browser:
        back = await browser.log_in_at(await browser.get("/auth/login"), "alice")
        flow = dict(browser.own)
        assert (await browser.get(back.location)).status == 303
        assert (await browser.get(back.location)).code == "invalid_state"
        browser.own.clear()
        browser.own.update(flow)
        assert (await browser.get(back.location)).code == "invalid_code"
        assert "__Host-forebay-session" not in browser.own


@node
async def test_an_answer_that_was_begun_elsewhere_is_refused(open_browser: Open, oidc_provider: Identity) -> None:
    async with open_browser(LoginSettings(provider(oidc_provider))) as browser:
        back = (await browser.log_in_at(await browser.get("/auth/login"), "alice")).location
        flow = dict(browser.own)
        for wrong, code in (
            (back.replace("state=", "state=x"), "invalid_state"),
            (back.replace("state=", "stat="), "invalid_state"),
            (f"{back}&state=x", "invalid_state"),
            (back.replace("iss=http", "iss=https"), "invalid_issuer"),
            (back.replace("iss=", "is="), "invalid_issuer"),
            (back.replace("code=", "error=access_denied&cod="), "login_refused"),
        ):
            page = await browser.get(wrong)
            assert (page.code, page.status in {400, 403}) == (code, True)
            # Refused is refused, but an answer to another login does not end this one.
            assert bool(browser.own) is (code == "invalid_state")
            browser.own.update(flow)
        browser.own.clear()
        assert (await browser.get(back)).code == "invalid_state"
        browser.own.update(dict.fromkeys(flow, "bm90aGluZw=="))
        assert (await browser.get(back)).code == "invalid_state"


@node
async def test_people_who_are_refused_get_a_page_with_a_way_back(open_browser: Open, oidc_provider: Identity) -> None:
    async with open_browser(LoginSettings(provider(oidc_provider))) as browser:
        back = await browser.log_in_at(await browser.get("/auth/login"), "mallory")
        assert browser.own
        page = await browser.get(back.location, accept="text/html,application/xhtml+xml,*/*;q=0.8")
        assert (page.status, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert b"no_role" in page.body
        assert b'href="/auth/login"' in page.body
        assert b'href="/"' in page.body
        assert not browser.own
        page = await browser.get("/auth/callback?state=%3Cscript%3E", accept="text/html")
        assert page.status == 400
        assert b"invalid_state" in page.body
        assert b"<script" not in page.body


@node
async def test_an_id_that_somebody_planted_is_never_that_of_a_session(
    open_browser: Open, oidc_provider: Identity
) -> None:
    async with open_browser(LoginSettings(provider(oidc_provider))) as browser:
        browser.own["__Host-forebay-session"] = "planted"
        assert (await session(browser))["user"] is None
        await log_in(browser, "alice")
        first = browser.own["__Host-forebay-session"]
        assert first != "planted"
        await log_in(browser, "alice")
        assert browser.own["__Host-forebay-session"] != first
        browser.own["__Host-forebay-session"] = first
        assert (await session(browser))["user"] is None
        browser.own["__Host-forebay-session"] = "x" * 5000
        assert (await session(browser))["user"] is None


@node
async def test_sessions_end_when_they_are_old_or_the_way_in_is_another(
    open_browser: Open, oidc_provider: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = provider(oidc_provider)
    later = Later()
    monkeypatch.setattr(sessions, "time", later)
    async with open_browser(LoginSettings(settings, idle=1000, lifetime=2500)) as browser:
        await log_in(browser, "alice")
        for seconds, goes_on in ((900, True), (1800, True), (2499, True), (2501, False)):
            later.seconds = seconds
            assert ((await session(browser))["user"] is not None) is goes_on
        later.seconds = 0
        await log_in(browser, "alice")
        later.seconds = 1001
        assert (await browser.get("/v1/models")).status == 401
        later.seconds = 0
        kept = dict(browser.own)
    changed = RoleSettings("groups", viewer=("alices",))
    async with open_browser(LoginSettings(provider(oidc_provider, changed))) as browser:
        browser.own.update(kept)
        assert (await session(browser))["user"] is None


@node
@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example/",
        "/%5Cevil.example",
        "/%09/evil.example",
        "evil",
        "",
        "/%0d%0aset-cookie:x=y",
    ],
)
async def test_nobody_is_sent_to_another_site(open_browser: Open, oidc_provider: Identity, path: str) -> None:
    async with open_browser(LoginSettings(provider(oidc_provider))) as browser:
        page = await browser.get(f"/auth/login?return_to={path}")
        assert (page.status, page.code) == (400, "invalid_return_to")
        assert not browser.own


@node
@pytest.mark.parametrize(
    "wrong",
    [
        {"payload": {"nonce": "another"}},
        {"payload": {"nonce": None}},
        {"payload": {"iss": "https://other.example"}},
        {"payload": {"aud": "other"}},
        {"payload": {"aud": ["web", "other"]}},
        {"payload": {"azp": "other"}},
        {"payload": {"exp": 1}},
        {"payload": {"exp": "soon"}},
        {"payload": {"iat": 10**11}},
        {"payload": {"sub": ""}},
        {"header": {"kid": "unknown"}},
        {"header": {"jku": "https://evil.example/keys"}},
    ],
    ids=str,
)
async def test_an_id_token_that_is_not_for_this_login_is_refused(
    open_browser: Open, told: Identity, wrong: Any
) -> None:
    async with open_browser(LoginSettings(provider(told, MEMBERS))) as browser:
        told.tell(**wrong)
        page = await log_in(browser, "johndoe")
        assert (page.status, page.code) == (400, "invalid_id_token")
        assert "__Host-forebay-session" not in browser.own


@node
async def test_claims_say_who_of_which_tenant_with_which_role(open_browser: Open, told: Identity) -> None:
    roles = RoleSettings("https://example.com/realm.roles", admin=("ops team",), people={"ann@example.org": "member"})
    settings = provider(told, roles, claims=ClaimSettings("email", "org", "models"))
    async with open_browser(LoginSettings(settings)) as browser:
        ann = {"email": "ann@example.org", "email_verified": True, "org": "research", "models": ["m"]}
        told.tell(payload=ann)
        assert (await log_in(browser, "johndoe")).status == 303
        found = await session(browser)
        assert (found["user"]["tenant"], found["role"]) == ("research", "member")
        told.tell(payload={**ann, "https://example.com/realm.roles": ["x", "ops team"], "models": "other"})
        await log_in(browser, "johndoe")
        found = await session(browser)
        assert found["role"] == "admin"
        assert (await chat(browser, x_csrf_token=found["csrf_token"])).status == 404
        for wrong in ({"email_verified": False}, {"email_verified": None}, {"org": 7}, {"org": "a\nb"}):
            told.tell(payload={**ann, **wrong})
            assert (await log_in(browser, "johndoe")).code == "invalid_id_token"


@node
async def test_an_answer_of_another_issuer_is_refused_also_by_a_provider_that_names_none(
    open_browser: Open, told: Identity
) -> None:
    async with open_browser(LoginSettings(provider(told, MEMBERS))) as browser:
        assert (await log_in(browser, "johndoe")).status == 303
        told.tell(query={"iss": "https://other.example"})
        assert (await log_in(browser, "johndoe")).code == "invalid_issuer"
        told.tell(query={"code": "stolen"})
        assert (await log_in(browser, "johndoe")).code in {"invalid_code", "upstream_error"}


@mock
async def test_the_provider_in_python(open_browser: Open, python_mock: Identity) -> None:
    async with open_browser(LoginSettings(provider(python_mock, RoleSettings(people={"dora": "viewer"})))) as browser:
        assert (await log_in(browser, "dora")).status == 303
        assert (await session(browser))["role"] == "viewer"


@mock
async def test_a_login_passes_through_the_web_role(open_browser: Open, python_mock: Identity) -> None:
    async with open_browser(LoginSettings(provider(python_mock, MEMBERS)), by_web=True) as browser:
        assert (await log_in(browser, "frank")).status == 303
        found = await session(browser)
        assert found["user"]["name"] == "frank"
        assert (await chat(browser, x_csrf_token=found["csrf_token"])).status == 200
        assert (await browser.post("/auth/logout", x_csrf_token=found["csrf_token"])).status == 200
        assert (await session(browser))["user"] is None


@mock
async def test_a_key_goes_on_beside_the_login_and_needs_no_token(open_browser: Open, python_mock: Identity) -> None:
    async with open_browser(LoginSettings(provider(python_mock, MEMBERS))) as browser:
        assert (await chat(browser, authorization=f"Bearer {KEY}")).status == 200
        await log_in(browser, "eve")
        assert (await chat(browser, authorization=f"Bearer {KEY}")).status == 200
        assert (await chat(browser, authorization="Bearer wrong")).status == 401


@mock
async def test_a_provider_that_is_away_is_a_503(open_browser: Open, python_mock: Identity) -> None:
    settings = provider(Identity("http://127.0.0.1:1", python_mock._process))
    async with open_browser(LoginSettings(settings)) as browser:
        assert (await browser.get("/auth/login")).status == 503
        assert (await session(browser))["methods"][0]["name"] == "127.0.0.1:1"
        assert HOME not in browser.own
