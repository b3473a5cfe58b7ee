"""The admin's password, where there is no provider."""

import asyncio
import re
import time
from typing import Any

import pytest
from argon2 import PasswordHasher

from forebay.auth.login.password import hashed
from forebay.settings import LoginSettings, Secret
from tests.api.login.conftest import Open

RIGHT = "correct horse battery staple"


@pytest.fixture(scope="module")
def settings() -> LoginSettings:
    cheap = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
    return LoginSettings(password=Secret(cheap.hash(RIGHT)))


async def test_an_admin_logs_in_by_http_on_this_machine(open_browser: Open, settings: LoginSettings) -> None:
    async with open_browser(settings, "") as browser:
        before = (await browser.get("/auth/session")).json
        assert before["methods"] == [{"type": "password", "url": "/auth/password"}, {"type": "key"}]
        wrong = await browser.post("/auth/password", {"password": "wrong"})
        assert (wrong.status, wrong.code) == (401, "incorrect_password")
        assert not browser.own
        page = await browser.post("/auth/password", {"password": RIGHT})
        assert page.status == 200
        assert set(browser.own) == {"forebay-session"}
        assert "Secure" not in browser.raw[-1]
        told = page.json
        assert (told["user"]["name"], told["role"]) == ("admin", "admin")
        assert told == (await browser.get("/auth/session")).json
        assert told["expires_at"] > time.time()
        assert (await browser.get("/v1/models")).status == 200
        again = await browser.post("/auth/logout", x_csrf_token=told["csrf_token"])
        assert (again.status, again.json["url"]) == (200, None)
        assert (await browser.get("/v1/models")).status == 401
        ended = await browser.get("/v1/models", cookie="forebay-session=ended")
        assert (ended.status, ended.json["error"]["message"][:22]) == (401, "Your session has ended")


async def test_guessing_is_slowed_down_also_when_it_is_done_at_once(
    open_browser: Open, settings: LoginSettings
) -> None:
    async with open_browser(settings, "") as browser:
        pages = await asyncio.gather(*(browser.post("/auth/password", {"password": str(n)}) for n in range(15)))
        assert sorted(page.status for page in pages) == [401] * 10 + [429] * 5
        page = await browser.post("/auth/password", {"password": RIGHT})
        assert page.status == 429
        assert 0 < int(page.headers["retry-after"]) <= 60
        assert f"try again in {page.headers['retry-after']} s" in page.json["error"]["message"]


async def test_only_a_page_of_ours_may_ask(open_browser: Open, settings: LoginSettings) -> None:
    async with open_browser(settings, "") as browser:
        form = await browser.send("POST", "/auth/password", {}, {"password": RIGHT})
        assert form.status == 415
        foreign = await browser.post("/auth/password", {"password": RIGHT}, origin="https://evil.example")
        assert foreign.status == 403
        bodies: list[Any] = [{}, {"password": 7}, [], {"password": "x" * 2000}]
        for body in bodies:
            assert (await browser.post("/auth/password", body)).status == 400
        assert (await browser.get("/auth/login")).status == 404
        assert (await browser.get("/auth/password")).status == 405


async def test_another_password_ends_the_sessions_of_the_first(open_browser: Open, settings: LoginSettings) -> None:
    async with open_browser(settings) as browser:
        await browser.post("/auth/password", {"password": RIGHT})
        kept = dict(browser.own)
        assert set(kept) == {"__Host-forebay-session"}
    async with open_browser(settings) as browser:
        browser.own.update(kept)
        assert (await browser.get("/v1/models")).status == 200
    other = LoginSettings(password=Secret(PasswordHasher(1, 1024, 1).hash("another password")))
    async with open_browser(other) as browser:
        browser.own.update(kept)
        assert (await browser.get("/v1/models")).status == 401


async def test_a_password_is_made_once_for_all_processes_and_restarts(
    open_browser: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = LoginSettings(password=Secret("generate"))
    async with open_browser(settings, "") as browser, open_browser(settings, "") as other:
        shown = re.findall(r"password is (\S+)", capsys.readouterr().err)
        assert len(shown) == 1
        for each in (browser, other):
            assert (await each.post("/auth/password", {"password": shown[0]})).status == 200
            assert (await each.post("/auth/password", {"password": "generate"})).status == 401
    async with open_browser(settings, "") as browser:
        assert (await browser.post("/auth/password", {"password": shown[0]})).status == 200
        assert "password is" not in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "too short", "x" * 1025])
def test_a_password_has_a_length(text: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        hashed(text)


def test_a_hash_is_one_that_a_configuration_takes() -> None:
    made = hashed(RIGHT)
    assert made.startswith("$argon2id$")
    assert PasswordHasher().verify(made, RIGHT)
