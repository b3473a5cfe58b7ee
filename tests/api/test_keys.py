"""``/admin/keys``: an admin makes and ends keys while the server runs, and nobody else does."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from forebay.settings import AuthSettings, IssuedKeySettings, KeySettings, Secret, Settings, StoreSettings
from tests.api.conftest import WHOLE, Serve

ADMIN = {"authorization": "Bearer sk-root"}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    keys = (KeySettings(Secret("sk-root"), "root", admin=True), KeySettings(Secret("sk-a"), "alice"))
    return Settings(
        auth=AuthSettings(keys, IssuedKeySettings(Secret("a pepper of 16 characters"))),
        store=StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}")),
    )


class Client:
    """What a test asks of a server."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] = ADMIN) -> tuple[int, Any]:
        async with self._session.request(method, self._url + path, json=body, headers=headers) as reply:
            return reply.status, await reply.json()

    async def chat(self, key: str) -> int:
        return (await self.ask("POST", "/v1/chat/completions", CHAT, {"authorization": f"Bearer {key}"}))[0]

    async def until(self, key: str, status: int) -> None:
        async with asyncio.timeout(1):
            while await self.chat(key) != status:  # noqa: ASYNC110  # it has no event
                await asyncio.sleep(0.02)


async def test_a_key_from_its_making_to_its_end(serve: Serve, settings: Settings) -> None:
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as session:
        client = Client(session, running.url)
        status, made = await client.ask("POST", "/admin/keys", {"name": "bob", "parallel": 9, "rpm": 7000})
        assert status == 201
        key = made.pop("key")
        assert (made["parallel"], made["rpm"], made["tenant"]) == (9, 7000, "default")
        await client.until(key, 200)
        _, listed = await client.ask("GET", "/admin/keys")
        assert listed["data"] == [made]
        assert key not in str(listed)
        status, other = await client.ask("POST", f"/admin/keys/{made['id']}/rotate", {"grace": 60})
        assert status == 201
        await client.until(other["key"], 200)
        assert await client.chat(key) == 200
        assert (await client.ask("DELETE", f"/admin/keys/{made['id']}"))[1]["revoked"]
        await client.until(key, 401)
        assert (await client.ask("GET", f"/admin/keys/{made['id']}"))[1]["revoked"]
        _, audit = await client.ask("GET", "/admin/audit")
        assert [each["action"] for each in audit["data"]] == ["key.revoke", "key.rotate", "key.create"]


async def test_scopes_and_models_of_a_key_hold(serve: Serve, settings: Settings) -> None:
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as session:
        client = Client(session, running.url)
        _, narrow = await client.ask("POST", "/admin/keys", {"name": "a", "scopes": ["embeddings"]})
        _, other = await client.ask("POST", "/admin/keys", {"name": "b", "models": ["another"]})
        _, admin = await client.ask("POST", "/admin/keys", {"name": "c", "scopes": ["admin"]})
        await client.until(narrow["key"], 403)
        await client.until(other["key"], 404)
        headers = {"authorization": f"Bearer {admin['key']}"}
        assert (await client.ask("GET", "/admin/keys", headers=headers))[0] == 200
        headers = {"authorization": f"Bearer {narrow['key']}"}
        assert (await client.ask("GET", "/admin/keys", headers=headers))[0] == 403
        async with session.post(f"{running.url}/v1/chat/completions", json=CHAT, headers=headers) as reply:
            assert reply.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="chat"'


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/keys"),
        ("POST", "/admin/keys"),
        ("GET", "/admin/keys/x"),
        ("DELETE", "/admin/keys/x"),
        ("POST", "/admin/keys/x/rotate"),
        ("GET", "/admin/audit"),
    ],
)
async def test_nobody_but_an_admin_gets_in(serve: Serve, settings: Settings, method: str, path: str) -> None:
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as session:
        client = Client(session, running.url)
        statuses = [
            (await client.ask(method, path, {}, headers))[0] for headers in ({}, {"authorization": "Bearer sk-a"})
        ]
        async with session.request(method, running.url + path, headers={"authorization": "Bearer sk-a"}) as refused:
            told = refused.headers["www-authenticate"]
    assert statuses == [401, 403]
    assert told == 'Bearer error="insufficient_scope", scope="admin"'


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "a\r\nb: c"},
        {"name": "a" * 200},
        {"name": "a", "rpm": 0},
        {"name": "a", "rpm": 10**40},
        {"name": "a", "scopes": ["everything"]},
        {"name": "a", "expires_in": -1},
        {"name": "a", "tpm": "NaN"},
        {"name": "a", "colour": "red"},
        [],
    ],
)
async def test_a_wish_that_cannot_be_meant_is_refused(serve: Serve, settings: Settings, body: object) -> None:
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as session:
        status, told = await Client(session, running.url).ask("POST", "/admin/keys", body)
    assert (status, told["error"]["type"]) == (400, "invalid_request_error")
