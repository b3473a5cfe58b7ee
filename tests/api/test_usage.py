"""``GET /v1/usage``: who sees what, in which form, and what is refused."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from forebay.api.usage import COLUMNS
from forebay.settings import AuthSettings, KeySettings, Secret, Settings, StoreSettings
from tests.api.conftest import WHOLE, Serve
from tests.support.serving import Running

KEYS = AuthSettings(
    (
        KeySettings(Secret("sk-a"), "alice", "=team"),
        KeySettings(Secret("sk-b"), "bob", "others"),
        KeySettings(Secret("sk-r"), "root", admin=True),
    )
)
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(auth=KEYS, store=StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}")))


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def chat(client: aiohttp.ClientSession, running: Running, key: str) -> None:
    async with client.post(f"{running.url}/v1/chat/completions", json=CHAT, headers=bearer(key)) as reply:
        assert reply.status == 200


async def usage(client: aiohttp.ClientSession, running: Running, key: str, query: str = "") -> tuple[int, Any]:
    async with client.get(f"{running.url}/v1/usage{query}", headers=bearer(key)) as reply:
        return reply.status, await reply.json()


async def rows_of(serve: Serve, settings: Settings, *queries: tuple[str, str]) -> list[Any]:
    """What ``queries`` (key, query) get from a server that has answered two calls of alice's and one of bob's."""
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as client:
        for key in ("sk-a", "sk-b", "sk-a"):
            await chat(client, running, key)
    # The store has been closed, so everything is in the database when the next one opens it.
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as client:
        return [(await usage(client, running, key, query)) for key, query in queries]


async def test_everybody_sees_the_usage_of_their_tenant_and_an_admin_all(serve: Serve, settings: Settings) -> None:
    found = await rows_of(serve, settings, ("sk-a", ""), ("sk-b", ""), ("sk-r", ""), ("sk-r", "?tenant=others"))
    names = [[row["principal"] for row in body["data"]] for status, body in found if status == 200]
    assert names == [["alice", "alice"], ["bob"], ["alice", "bob", "alice"], ["bob"]]
    row = found[0][1]["data"][0]
    assert (row["prompt_tokens"], row["completion_tokens"], row["model"], row["status"]) == (3, 1, "m", 200)


async def test_pages_and_sums(serve: Serve, settings: Settings) -> None:
    first, sums = await rows_of(serve, settings, ("sk-r", "?limit=2"), ("sk-r", "?group_by=principal"))
    assert first[1]["has_more"]
    assert [(each["group"], each["requests"], each["unpriced"]) for each in sums[1]["data"]] == [
        ("alice", 2, 2),
        ("bob", 1, 1),
    ]
    (rest,) = await rows_of(serve, settings, ("sk-b", f"?after={first[1]['last']}&limit=10"))
    assert not rest[1]["has_more"]


async def test_all_rows_as_a_file_in_which_no_name_is_a_formula(serve: Serve, settings: Settings) -> None:
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as client:
        await chat(client, running, "sk-a")
    async with (
        serve(WHOLE, settings) as (running, _),
        aiohttp.ClientSession(headers=bearer("sk-a")) as client,
        client.get(f"{running.url}/v1/usage?format=csv") as reply,
    ):
        assert reply.content_type == "text/csv"
        head, row = csv.reader(io.StringIO(await reply.text()))
    assert tuple(head) == COLUMNS
    assert dict(zip(head, row, strict=True))["tenant"] == "'=team"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("?tenant=others", "tenant"),
        ("?since=yesterday", "since"),
        ("?until=nan", "until"),
        ("?after=7", "after"),
        ("?limit=0", "limit"),
        ("?limit=" + "9" * 5000, "limit"),
        ("?group_by=id", "group_by"),
        ("?format=xml", "format"),
        ("?colour=red", "colour"),
        ("?" + "&".join(f"a{n}=1" for n in range(50)), None),
        ("?model=%FF", None),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    serve: Serve, settings: Settings, query: str, param: str | None
) -> None:
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as client:
        status, body = await usage(client, running, "sk-a", query)
    assert (status, body["error"]["param"]) == (400, param)


async def test_without_a_store_there_is_no_usage_and_without_a_key_no_answer(serve: Serve, settings: Settings) -> None:
    async with serve(WHOLE) as (running, _), aiohttp.ClientSession() as client:
        assert (await usage(client, running, "x"))[0] == 404
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as client:
        status, body = await usage(client, running, "sk-wrong")
    assert status == 401
    assert "sk-wrong" not in json.dumps(body)
