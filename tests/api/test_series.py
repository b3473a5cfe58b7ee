"""``GET /v1/usage/series``: who sees what, with and without a store, and what is refused."""

import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from forebay.settings import AuthSettings, KeySettings, Secret, Settings, StoreSettings
from tests.api.conftest import STREAM, WHOLE, Serve

KEYS = AuthSettings(
    (
        KeySettings(Secret("sk-a"), "alice", "team"),
        KeySettings(Secret("sk-b"), "bob", "others"),
        KeySettings(Secret("sk-r"), "root", admin=True),
    )
)
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def stored(tmp_path: Path) -> Settings:
    return Settings(auth=KEYS, store=StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}")))


async def series(http: aiohttp.ClientSession, url: str, key: str, query: str = "") -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {key}"}
    async with http.get(f"{url}/v1/usage/series{query}", headers=headers) as reply:
        return reply.status, await reply.json()


async def chat(http: aiohttp.ClientSession, url: str, key: str, **fields: Any) -> None:
    headers = {"authorization": f"Bearer {key}"}
    async with http.post(f"{url}/v1/chat/completions", json={**CHAT, **fields}, headers=headers) as reply:
        await reply.read()


async def test_without_a_store_it_is_of_what_is_remembered(serve: Serve) -> None:
    async with serve(STREAM, Settings(auth=KEYS)) as (running, _), aiohttp.ClientSession() as http:
        for key in ("sk-a", "sk-a", "sk-b"):
            await chat(http, running.url, key, stream=True)
        status, told = await series(http, running.url, "sk-a", "?metrics=usage,ttft")
        assert (status, told["source"], told["step"]) == (200, "recent", 60)
        (group,) = told["data"]
        assert len(told["times"]) == len(group["requests"]) == len(group["ttft"]["p99"])
        assert (sum(group["requests"]), sum(group["completion_tokens"])) == (2, 2)
        assert [each for each in group["ttft"]["p50"] if each is not None]
        _, all_of_them = await series(http, running.url, "sk-r", "?group_by=tenant")
        assert {each["group"]: sum(each["requests"]) for each in all_of_them["data"]} == {"team": 2, "others": 1}
        _, failed = await series(http, running.url, "sk-r", "?status=4xx")
        assert sum(failed["data"][0]["requests"]) == 0


async def test_without_a_store_no_percentile_is_above_the_longest_request(serve: Serve) -> None:
    async with serve(WHOLE, Settings(auth=KEYS)) as (running, _), aiohttp.ClientSession() as http:
        await chat(http, running.url, "sk-a")
        _, told = await series(http, running.url, "sk-a", "?metrics=latency")
        async with http.get(f"{running.url}/v1/requests", headers={"authorization": "Bearer sk-a"}) as reply:
            (row,) = (await reply.json())["data"]
    (p99,) = (each for each in told["data"][0]["latency"]["p99"] if each is not None)
    (p50,) = (each for each in told["data"][0]["latency"]["p50"] if each is not None)
    assert p50 <= p99 <= row["latency"] + 1e-6


async def test_with_a_store_it_is_of_the_ledger(serve: Serve, stored: Settings) -> None:
    async with serve(WHOLE, stored) as (running, _), aiohttp.ClientSession() as http:
        await chat(http, running.url, "sk-a")
        await chat(http, running.url, "sk-b")
    async with serve(WHOLE, stored) as (running, _), aiohttp.ClientSession() as http:
        _, mine = await series(http, running.url, "sk-b", "?group_by=principal&step=3600")
        assert mine["source"] == "store"
        assert [(each["group"], sum(each["requests"])) for each in mine["data"]] == [("bob", 1)]
        _, verdicts = await series(http, running.url, "sk-r", "?metrics=verdicts")
        assert (verdicts["data"], verdicts["verdicts"]) == ([], [])
        _, none = await series(http, running.url, "sk-r", "?model=other&metrics=usage,latency")
        assert set(none["data"][0]["requests"]) == {0}
        assert set(none["data"][0]["latency"]["p50"]) == {None}


@pytest.mark.parametrize(
    ("span", "step"), [(900, 60), (3600, 60), (6 * 3600, 300), (86400, 900), (7 * 86400, 7200), (30 * 86400, 21600)]
)
async def test_a_step_that_suits_the_range(serve: Serve, span: int, step: int) -> None:
    now = time.time()
    async with serve(WHOLE, Settings(auth=KEYS)) as (running, _), aiohttp.ClientSession() as http:
        _, told = await series(http, running.url, "sk-a", f"?since={now - span}&until={now}")
    assert told["step"] == step
    assert told["since"] <= now - span < now <= told["until"]
    assert told["times"] == list(range(told["since"], told["until"], step))


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("?tenant=others", "tenant"),
        ("?since=nan", "since"),
        ("?since=5&until=4", "since"),
        ("?since=-5", "since"),
        ("?until=1e12", "since"),
        ("?step=90", "step"),
        ("?step=5400", "step"),
        ("?step=0", "step"),
        ("?step=60&since=0", "step"),
        ("?group_by=id", "group_by"),
        ("?groups=21", "groups"),
        ("?order=name", "order"),
        ("?metrics=usage,p50", "metrics"),
        ("?status=9", "status"),
        ("?colour=red", "colour"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(serve: Serve, query: str, param: str) -> None:
    async with serve(WHOLE, Settings(auth=KEYS)) as (running, _), aiohttp.ClientSession() as http:
        status, body = await series(http, running.url, "sk-a", query)
    assert (status, body["error"]["param"]) == (400, param)


async def test_without_a_key_there_is_no_answer(serve: Serve, stored: Settings) -> None:
    async with serve(WHOLE, stored) as (running, _), aiohttp.ClientSession() as http:
        status, body = await series(http, running.url, "sk-wrong")
    assert status == 401
    assert "sk-wrong" not in json.dumps(body)
