"""``GET /v1/requests/{id}/route`` and the headers that go with it, through a real socket."""

import aiohttp

from forebay.settings import AuthSettings, KeySettings, Secret, Settings
from tests.api.conftest import STREAM, WHOLE, Serve

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
KEYS = AuthSettings((KeySettings(Secret("one"), "alice"), KeySettings(Secret("two"), "bob")))


async def test_a_request_can_be_explained(serve: Serve) -> None:
    async with serve(STREAM) as (running, _), aiohttp.ClientSession() as http:
        async with http.post(f"{running.url}/v1/chat/completions", json={**BODY, "stream": True}) as reply:
            assert reply.headers["x-forebay-attempts"] == "1"
            request_id = reply.headers["x-request-id"]
            await reply.read()
        async with http.get(f"{running.url}/v1/requests/{request_id}/route") as reply:
            assert reply.status == 200
            found = await reply.json()
    assert (found["id"], found["model"], found["deployment"], found["choices"]) == (request_id, "m", "p/m", [])
    (attempt,) = found["attempts"]
    assert (attempt["deployment"], attempt["reason"], attempt["outcome"]) == ("p/m", "first", "ok")
    assert attempt["began"] >= 0
    assert attempt["seconds"] > 0


async def test_only_to_who_made_it(serve: Serve) -> None:
    alice, bob = {"authorization": "Bearer one"}, {"authorization": "Bearer two"}
    async with serve(WHOLE, Settings(auth=KEYS)) as (running, _), aiohttp.ClientSession() as http:
        async with http.post(f"{running.url}/v1/chat/completions", json=BODY, headers=alice) as reply:
            url = f"{running.url}/v1/requests/{reply.headers['x-request-id']}"
        for path, headers, status in (
            (f"{url}/route", alice, 200),
            (f"{url}/route", bob, 404),
            (f"{url}/route", {}, 401),
            (f"{url}/other", alice, 404),
            (url, alice, 404),
            (f"{running.url}/v1/requests/req_none/route", alice, 404),
        ):
            async with http.get(path, headers=headers) as reply:
                assert reply.status == status, path
