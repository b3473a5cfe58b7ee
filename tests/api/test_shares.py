"""Links over HTTP: anybody opens them, nothing in them is run, and they end when they are to."""

import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from forebay.core.shares import Share
from forebay.settings import AuthSettings, KeySettings, Secret, Settings, StoreSettings
from forebay.store.plugin import build
from tests.api.conftest import WHOLE, Serve

KEYS = AuthSettings(
    (
        KeySettings(Secret("one"), "alice", "team"),
        KeySettings(Secret("two"), "bob", "team"),
        KeySettings(Secret("root"), "root", admin=True),
    )
)
EVIL = "<script>alert(1)</script> & \u202eso"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(auth=KEYS, store=StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}")))


class Asking:
    """Asks as one of the keys, or as nobody."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def __call__(self, method: str, path: str, body: object = None, key: str = "one") -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {key}"}
        async with self._http.request(method, f"{self._url}/v1{path}", json=body, headers=headers) as reply:
            return reply.status, await reply.json()

    async def open(self, path: str) -> tuple[int, str, Any]:
        async with self._http.get(f"{self._url}{path}") as reply:
            return reply.status, await reply.text(), reply.headers


async def test_a_conversation_is_shared_as_it_was(serve: Serve, settings: Settings) -> None:
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Asking(running.url, http)
        said = [
            {"type": "message", "role": "system", "content": "Nobody knows"},
            {"type": "message", "role": "user", "content": EVIL},
        ]
        _, made = await ask("POST", "/conversations", {"title": "<b>Rivers</b>", "items": said})
        wish = {"what": "conversation", "conversation_id": made["id"]}
        status, share = await ask("POST", "/shares", wish)
        await ask("POST", f"/conversations/{made['id']}/items", {"items": [{**said[1], "content": "Later"}]})
        code, page, headers = await ask.open(share["url"])
        _, listed = await ask("GET", "/shares")
        _, others = await ask("GET", "/shares", key="two")
        not_theirs, _ = await ask("POST", "/shares", wish, "two")
        await ask("DELETE", f"/conversations/{made['id']}")
        gone, _, _ = await ask.open(share["url"])
    assert (status, code, gone, not_theirs) == (201, 200, 404, 404)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; " in page
    assert "&lt;b&gt;Rivers&lt;/b&gt;" in page
    assert "<script" not in page
    assert "Later" not in page
    assert "Nobody knows" not in page
    assert "default-src 'none'" in headers["content-security-policy"]
    assert (headers["referrer-policy"], headers["x-robots-tag"]) == ("no-referrer", "noindex, nofollow")
    assert headers["cache-control"] == "no-store"
    assert [(each["id"], "url" in each) for each in listed["data"]] == [(share["id"], False)]
    assert others["data"] == []


async def test_a_report_is_shared_by_an_admin_and_revoked(serve: Serve, settings: Settings) -> None:
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Asking(running.url, http)
        status, share = await ask("POST", "/shares", {"what": "report", "days": 1, "expires_in": 3600}, "root")
        refused, _ = await ask("POST", "/shares", {"what": "report"})
        code, page, _ = await ask.open(share["url"])
        strangers, _ = await ask("DELETE", f"/shares/{share['id']}")
        revoked, _ = await ask("DELETE", f"/shares/{share['id']}", key="root")
        gone, _, _ = await ask.open(share["url"])
        async with http.get(f"{running.url}/admin/audit", headers={"authorization": "Bearer root"}) as reply:
            log = await reply.text()
    assert (status, code, refused, strangers, revoked, gone) == (201, 200, 403, 404, 200, 404)
    assert "<h1" in page
    assert "At a glance" in page
    assert 3590 < share["expires_at"] - time.time() <= 3600
    assert ("share.create" in log, "share.delete" in log) == (True, True)
    assert share["url"].removeprefix("/share/") not in log


async def test_a_link_that_has_expired_shows_nothing(serve: Serve, settings: Settings) -> None:
    assert settings.store is not None
    store = build(settings.store)
    await store.shares.add(b"x", Share("share_1", "team", "alice", "report", 1.0, 2.0, page=b"secret"))
    await store.close()
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Asking(running.url, http)
        for path in ("/share/x", "/share/", "/share/a/b", "/share/%00"):
            status, text, _ = await ask.open(path)
            assert status == 404 or "secret" not in text
        assert (await ask("GET", "/shares"))[1]["data"] == []


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"what": "key"},
        {"what": "conversation"},
        {"what": "report", "until": "2026-02-31"},
        {"what": "report", "until": "2999-01-01"},
        {"what": "report", "expires_in": 1},
        {"what": "report", "days": 0},
        {"what": "report", "page": "x"},
    ],
)
async def test_what_cannot_be_shared_is_refused(serve: Serve, settings: Settings, wish: object) -> None:
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
        assert (await Asking(running.url, http)("POST", "/shares", wish, "root"))[0] == 400
