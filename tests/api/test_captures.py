"""Bodies are captured where the configuration says so: masked, own tenants only, deleted in time; else never."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from forebay.generation import check
from forebay.settings import (
    AuthSettings,
    CaptureSettings,
    KeySettings,
    Secret,
    Settings,
    SettingsError,
    StoreSettings,
    section,
)
from forebay.settings.guards import GuardSettings, RuleSettings
from tests.api.conftest import STREAM, WHOLE, Serve
from tests.support.serving import Running

KEYS = AuthSettings(
    (
        KeySettings(Secret("one"), "alice", "team"),
        KeySettings(Secret("two"), "bob", "others"),
        KeySettings(Secret("three"), "carol", "team"),
        KeySettings(Secret("four"), "alice", "others"),
        KeySettings(Secret("root"), "root", admin=True),
    )
)
BODY = {"model": "m", "messages": [{"role": "user", "content": "My word is xyzzy."}]}
WATCHING = {"words": GuardSettings(RuleSettings(mode="monitor"), section("ban_list", {"words": ["xyzzy"]}))}


def configured(tmp_path: Path, **fields: Any) -> Settings:
    store = StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}"))
    return Settings(auth=KEYS, store=store, guards=WATCHING, capture=CaptureSettings(requests=True, **fields))


async def chat(http: aiohttp.ClientSession, running: Running, key: str = "one", **headers: str) -> str:
    given = {"authorization": f"Bearer {key}", **headers}
    body = {**BODY, "stream": headers.pop("stream", "") == "yes"}
    given.pop("stream", None)
    async with http.post(f"{running.url}/v1/chat/completions", json=body, headers=given) as reply:
        await reply.read()
        return reply.headers["x-request-id"]


async def captured(http: aiohttp.ClientSession, running: Running, path: str = "", key: str = "root") -> Any:
    headers = {"authorization": f"Bearer {key}"}
    async with http.get(f"{running.url}/v1/captures{path}", headers=headers) as reply:
        return await reply.json()


async def written(http: aiohttp.ClientSession, running: Running, number: int) -> list[Any]:
    """The captures, once there are so many."""
    async with asyncio.timeout(10):
        while len(found := (await captured(http, running))["data"]) < number:  # noqa: ASYNC110  # no event
            await asyncio.sleep(0.05)
    return list(found)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_and_its_reply_are_captured(serve: Serve, tmp_path: Path, *, stream: bool) -> None:
    async with (
        serve(STREAM if stream else WHOLE, configured(tmp_path)) as (running, _),
        aiohttp.ClientSession() as http,
    ):
        request_id = await chat(http, running, stream="yes" if stream else "no")
        (found,) = await written(http, running, 1)
        one = await captured(http, running, f"/{request_id}", "one")
        other = await captured(http, running, f"/{request_id}", "two")
        assert (await captured(http, running, "", "two"))["data"] == []
    assert (found["id"], found["tenant"], found["model"]) == (request_id, "team", "m")
    assert found["request"]["messages"] == BODY["messages"]
    assert found["reply"]["choices"][0]["message"]["content"] == "Hi"
    assert one["request"] == found["request"]
    assert other["error"]["code"] == "not_found"


async def test_nobody_but_an_admin_reads_what_others_wrote(serve: Serve, tmp_path: Path) -> None:
    async with serve(WHOLE, configured(tmp_path)) as (running, _), aiohttp.ClientSession() as http:
        alices = await chat(http, running)
        carols = await chat(http, running, "three")
        assert {each["id"] for each in await written(http, running, 2)} == {alices, carols}
        for key, own, others in (("one", [alices], [carols]), ("three", [carols], [alices]), ("four", [], [alices])):
            assert [each["id"] for each in (await captured(http, running, "", key))["data"]] == own
            for request_id in others:
                assert (await captured(http, running, f"/{request_id}", key))["error"]["code"] == "not_found"
        assert (await captured(http, running, "?principal=alice", "three"))["error"]["param"] == "principal"
        assert [each["id"] for each in (await captured(http, running, "?principal=alice"))["data"]] == [alices]


async def test_what_guards_find_is_masked_before_it_is_kept(serve: Serve, tmp_path: Path) -> None:
    async with (
        serve(WHOLE, configured(tmp_path, mask=("words",))) as (running, provider),
        aiohttp.ClientSession() as http,
    ):
        await chat(http, running)
        (found,) = await written(http, running, 1)
        assert b"xyzzy" in provider.calls[0][0].request.body
    assert "xyzzy" not in str(found)
    assert found["request"]["messages"][0]["role"] == "user"
    assert found["request"]["messages"][0]["content"].startswith("My word is ")
    assert b"xyzzy" not in b"".join(each.read_bytes() for each in _files(tmp_path))


async def test_who_does_not_want_it_is_not_captured(serve: Serve, tmp_path: Path) -> None:
    async with (
        serve(WHOLE, configured(tmp_path, without=("others",))) as (running, _),
        aiohttp.ClientSession() as http,
    ):
        await chat(http, running, **{"x-forebay-capture": "off"})
        await chat(http, running, "two")
        last = await chat(http, running)
        assert [each["id"] for each in await written(http, running, 1)] == [last]


async def test_without_the_setting_nothing_is_captured(serve: Serve, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(configured(tmp_path), capture=CaptureSettings())
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
        await chat(http, running)
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
        assert (await captured(http, running))["data"] == []


async def test_large_bodies_are_left_out(serve: Serve, tmp_path: Path) -> None:
    async with serve(WHOLE, configured(tmp_path, max_body=100)) as (running, _), aiohttp.ClientSession() as http:
        await chat(http, running)
        (found,) = await written(http, running, 1)
    assert found["request"]["model"] == "m"
    assert found["reply"] is None


def test_a_capture_that_cannot_be_is_refused() -> None:
    with pytest.raises(SettingsError, match="configure 'store'"):
        check(Settings(capture=CaptureSettings(requests=True)))
    with pytest.raises(SettingsError, match="no guard 'pii'"):
        check(Settings(capture=CaptureSettings(mask=("pii",))))


def _files(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]
