"""``GET /v1/requests``: the log, the story of a request and its route, with and without a store, through a socket."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from forebay.settings import AuthSettings, KeySettings, LimitSettings, Secret, Settings, StoreSettings
from tests.api.conftest import STREAM, WHOLE, Serve

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
KEYS = AuthSettings(
    (
        KeySettings(Secret("one"), "alice", "team"),
        KeySettings(Secret("two"), "bob", "others"),
        KeySettings(Secret("root"), "root", admin=True),
    )
)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def asked(http: aiohttp.ClientSession, url: str, key: str = "", **fields: Any) -> str:
    """The id of a chat that has ended."""
    headers = bearer(key) if key else {}
    async with http.post(f"{url}/v1/chat/completions", json={**BODY, **fields}, headers=headers) as reply:
        await reply.read()
        return reply.headers["x-request-id"]


async def told(http: aiohttp.ClientSession, url: str, path: str = "", key: str = "") -> tuple[int, Any]:
    async with http.get(f"{url}/v1/requests{path}", headers=bearer(key) if key else {}) as reply:
        return reply.status, await reply.json()


@pytest.mark.parametrize("stream", [True, False])
async def test_the_whole_story(serve: Serve, *, stream: bool) -> None:
    async with serve(STREAM if stream else WHOLE) as (running, _), aiohttp.ClientSession() as http:
        request_id = await asked(http, running.url, stream=stream)
        status, found = await told(http, running.url, f"/{request_id}")
    assert status == 200
    assert (found["id"], found["object"], found["model"], found["deployment"]) == (request_id, "request", "m", "p/m")
    assert (found["status"], found["outcome"], found["error"], found["stream"]) == (200, "ok", None, stream)
    assert (found["prompt_tokens"], found["completion_tokens"], found["cost"]) == (3, 1, None)
    assert found["stages"][0]["name"] == "receive"
    (attempt,) = found["attempts"]
    assert (attempt["deployment"], attempt["reason"], attempt["outcome"]) == ("p/m", "first", "ok")
    assert 0 <= attempt["began"] <= found["times"]["latency"]
    assert found["times"]["overhead"] <= found["times"]["latency"]


async def test_the_route_of_a_request(serve: Serve) -> None:
    async with serve(STREAM) as (running, _), aiohttp.ClientSession() as http:
        async with http.post(f"{running.url}/v1/chat/completions", json={**BODY, "stream": True}) as reply:
            assert reply.headers["x-forebay-attempts"] == "1"
            request_id = reply.headers["x-request-id"]
            await reply.read()
        status, found = await told(http, running.url, f"/{request_id}/route")
    assert status == 200
    assert (found["id"], found["model"], found["deployment"], found["choices"]) == (request_id, "m", "p/m", [])
    (attempt,) = found["attempts"]
    assert (attempt["deployment"], attempt["reason"], attempt["outcome"]) == ("p/m", "first", "ok")
    assert attempt["began"] >= 0
    assert attempt["seconds"] > 0


async def test_a_request_that_was_refused_has_a_story_too(serve: Serve) -> None:
    async with serve(WHOLE, Settings(auth=KEYS)) as (running, _), aiohttp.ClientSession() as http:
        for key, fields, status, error in (
            ("wrong", {}, 401, "invalid_api_key"),
            ("one", {"messages": []}, 400, "empty_array"),
            ("one", {"model": "none"}, 404, "model_not_found"),
        ):
            request_id = await asked(http, running.url, key, **fields)
            _, found = await told(http, running.url, f"/{request_id}", "root")
            assert (found["status"], found["error"], found["attempts"]) == (status, error, [])
        assert found["model"] == "none"
        async with http.get(f"{running.url}/metrics", headers=bearer("root")) as reply:
            lines = [line for line in (await reply.text()).splitlines() if line.startswith("forebay_requests_total")]
    assert sorted(lines) == [
        f'forebay_requests_total{{model="",deployment="",status="{status}",outcome="error",cache=""}} 1'
        for status in (400, 401, 404)
    ]


@pytest.mark.parametrize("stored", [True, False])
async def test_what_is_refused_counts_for_its_model_wherever_it_is_counted(
    serve: Serve, tmp_path: Path, *, stored: bool
) -> None:
    store = StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}")) if stored else None
    narrow = KeySettings(Secret("narrow"), "carol", "team", limits=LimitSettings(rpm=1))
    settings = Settings(auth=AuthSettings((*KEYS.keys, narrow)), store=store)
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
        for model in ("m", "m", "none"):
            await asked(http, running.url, "narrow", model=model)
        async with http.get(f"{running.url}/metrics", headers=bearer("root")) as reply:
            page = await reply.text()
        assert 'forebay_requests_total{model="m",deployment="",status="429",outcome="error",cache=""} 1' in page
        assert 'model="none"' not in page
        if not stored:
            await _check_refused(http, running.url)
    if stored:
        async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
            await _check_refused(http, running.url)


async def _check_refused(http: aiohttp.ClientSession, url: str) -> None:
    rows = (await told(http, url, "?status=429&model=m", "root"))[1]["data"]
    assert [(row["model"], row["deployment"], row["status"]) for row in rows] == [("m", "", 429)]
    (_, refusing) = (await told(http, url, f"/{rows[0]['id']}", "root"))[1]["stages"]
    assert (refusing["name"], refusing["refused"], refusing["answered_itself"]) == ("admit", True, False)
    query = "?group_by=model&step=3600"
    async with http.get(f"{url}/v1/usage/series{query}", headers=bearer("root")) as reply:
        groups = (await reply.json())["data"]
    assert {each["group"]: sum(each["requests"]) for each in groups} == {"m": 2, "": 1}


@pytest.mark.parametrize("stored", [True, False])
async def test_everybody_sees_their_tenants(serve: Serve, tmp_path: Path, *, stored: bool) -> None:
    store = StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}")) if stored else None
    settings = Settings(auth=KEYS, store=store)
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
        mine = await asked(http, running.url, "one")
        for path, key, status in (
            (f"/{mine}", "one", 200),
            (f"/{mine}", "two", 404),
            (f"/{mine}/route", "two", 404),
            (f"/{mine}", "root", 200),
            (f"/{mine}/other", "root", 404),
            ("/req_none", "root", 404),
            (f"/{mine}", "", 401),
            ("?tenant=team", "two", 400),
            ("?status=4x", "two", 400),
            ("?colour=red", "two", 400),
        ):
            assert (await told(http, running.url, path, key))[0] == status, path
    if stored:  # another process, after a restart
        async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
            assert (await told(http, running.url, f"/{mine}", "one"))[1]["attempts"]
            assert (await told(http, running.url, f"/{mine}/route", "one"))[1]["deployment"] == "p/m"
            assert (await told(http, running.url, f"/{mine}", "two"))[0] == 404


@pytest.mark.parametrize("stored", [True, False])
async def test_the_log_is_filtered_and_paged_newest_first(serve: Serve, tmp_path: Path, *, stored: bool) -> None:
    store = StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}")) if stored else None
    async with serve(WHOLE, Settings(auth=KEYS, store=store)) as (running, _), aiohttp.ClientSession() as http:
        ids = [await asked(http, running.url, "one", **fields) for fields in ({}, {"model": "none"}, {}, {})]
        if not stored:
            await _check_log(http, running.url, ids)
    if stored:
        settings = Settings(auth=KEYS, store=store)
        async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
            await _check_log(http, running.url, ids)


async def _check_log(http: aiohttp.ClientSession, url: str, ids: list[str]) -> None:
    newest = ids[::-1]
    page = (await told(http, url, "?limit=3", "one"))[1]
    assert [each["id"] for each in page["data"]] == newest[:3]
    assert page["has_more"]
    rest = (await told(http, url, f"?before={page['last']}", "one"))[1]
    assert [each["id"] for each in rest["data"]] == newest[3:]
    assert not rest["has_more"]
    for query, expected in (
        ("?status=404", [ids[1]]),
        ("?status=4xx", [ids[1]]),
        ("?status=200&model=m", [ids[3], ids[2], ids[0]]),
        ("?principal=bob", []),
        ("?since=2100-01-01", []),
    ):
        found = (await told(http, url, query, "one"))[1]
        assert [each["id"] for each in found["data"]] == expected, query
    assert (await told(http, url, "", "two"))[1]["data"] == []
    assert len((await told(http, url, "?tenant=team", "root"))[1]["data"]) == 4
