"""The cache's administration, over HTTP and by the command line, on a real server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from click.testing import CliRunner, Result

from forebay.cli import main
from forebay.settings import AuthSettings, KeySettings, Secret, Settings, cache_settings
from tests.api.conftest import COMPLETION, WHOLE, Serve
from tests.support.scripted import Scripted
from tests.support.serving import Running

KEYS = AuthSettings(
    (
        KeySettings(Secret("root-key"), "root", admin=True),
        KeySettings(Secret("a-key"), "a", tenant="a"),
        KeySettings(Secret("b-key"), "b", tenant="b"),
    )
)
SETTINGS = Settings(auth=KEYS, cache=cache_settings("memory"))
REQUEST = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


class Site:
    """A server with a cache, and who asks it."""

    def __init__(self, running: Running, provider: Scripted, http: aiohttp.ClientSession) -> None:
        self.url = running.url
        self.provider = provider
        self.http = http

    async def chat(self, key: str = "a-key", **fields: Any) -> str:
        url = f"{self.url}/v1/chat/completions"
        async with self.http.post(url, json=REQUEST | fields, headers={"authorization": f"Bearer {key}"}) as answer:
            await answer.read()
            return answer.headers["x-cache"]

    async def admin(self, method: str, path: str, body: bytes | None = None, key: str = "root-key") -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {key}"}
        async with self.http.request(method, f"{self.url}/admin/cache{path}", data=body, headers=headers) as answer:
            text = await answer.read()
            return answer.status, msgspec.json.decode(text) if answer.content_type == "application/json" else text

    async def export(self) -> list[dict[str, Any]]:
        _, text = await self.admin("GET", "/export")
        return [msgspec.json.decode(line) for line in text.splitlines()]

    async def run(self, *arguments: str) -> Result:
        """The command line, in a thread: it blocks."""
        whole = ["cache", "--url", f"{self.url}/v1", "--key", "root-key", *arguments]
        return await asyncio.to_thread(CliRunner().invoke, main, whole)


@pytest.fixture
async def site(serve: Serve) -> AsyncIterator[Site]:
    async with serve(WHOLE, SETTINGS) as (running, provider), aiohttp.ClientSession() as http:
        yield Site(running, provider, http)


@pytest.mark.parametrize(("key", "status"), [("a-key", 403), ("nobody", 401)])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("DELETE", "?all=true"), ("GET", "/export"), ("GET", "/00"), ("DELETE", "/00"), ("POST", "/warm")],
)
async def test_only_an_admin_may(site: Site, key: str, status: int, method: str, path: str) -> None:
    assert (await site.admin(method, path, key=key))[0] == status


async def test_stats_tell_how_full_it_is(site: Site) -> None:
    await site.chat()
    await site.chat()
    status, found = await site.admin("GET", "")
    assert (status, found["store"], found["entries"]) == (200, "memory", 1)
    assert found["figures"]["stored_total"] == 1


async def test_one_entry_is_shown_and_deleted(site: Site) -> None:
    await site.chat()
    key = (await site.export())[0]["key"]
    status, found = await site.admin("GET", f"/{key}")
    assert (status, found["tenant"], found["model"], found["deployment"]) == (200, "a", "m", "p/m")
    assert found["body"]["choices"][0]["message"]["content"] == "Hi"
    assert await site.admin("DELETE", f"/{key}") == (200, {"object": "cache.deleted", "deleted": 1})
    assert (await site.admin("GET", f"/{key}"))[0] == 404
    assert (await site.admin("DELETE", f"/{key}"))[0] == 404
    assert await site.chat() == "MISS"


async def test_a_tenant_s_entries_are_deleted_and_nobody_else_s(site: Site) -> None:
    for key in ("a-key", "b-key"):
        await site.chat(key)
    assert (await site.admin("DELETE", "?tenant=a"))[1]["deleted"] == 1
    assert [await site.chat(key) for key in ("a-key", "b-key")] == ["MISS", "HIT"]
    for unclear in ("?all=false", "?all=", "?all=true&model=m", ""):
        assert (await site.admin("DELETE", unclear))[0] == 400
    assert (await site.admin("DELETE", "?all=true"))[1]["deleted"] == 2


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "", 400),
        ("DELETE", "?tenent=a", 400),
        ("GET", "/xyz", 400),
        ("GET", "/0011", 400),
        ("POST", "/cool", 404),
        ("PUT", "", 405),
    ],
)
async def test_what_makes_no_sense_is_refused(site: Site, method: str, path: str, status: int) -> None:
    assert (await site.admin(method, path))[0] == status


async def test_it_is_warmed_with_answers_and_says_which_lines_are_none(site: Site) -> None:
    lines = [
        {"request": REQUEST, "response": COMPLETION, "tenant": "a"},
        {"request": REQUEST, "response": {"choices": []}},
        {"request": REQUEST | {"model": "nobody"}, "response": COMPLETION},
        {"request": {}, "response": COMPLETION},
        {"request": REQUEST, "response": COMPLETION, "operation": "songs"},
        {"request": REQUEST, "response": COMPLETION, "tenent": "a"},
    ]
    status, found = await site.admin("POST", "/warm", b"\n".join(map(msgspec.json.encode, lines)) + b"\nrubbish\n")
    assert (status, found["stored"], found["failed"]) == (200, 1, 6)
    assert [each["line"] for each in found["errors"]] == [2, 3, 4, 5, 6, 7]
    assert await site.chat() == "HIT"
    assert not site.provider.calls


async def test_the_command_line_exports_clears_and_warms_again(site: Site, tmp_path: Path) -> None:
    await site.chat()
    file = tmp_path / "entries.jsonl"
    assert (await site.run("export", str(file))).exit_code == 0
    told = await site.run("stats")
    assert told.output.splitlines()[1].split() == ["entries", "1"]
    key = msgspec.json.decode(file.read_bytes())["key"]
    assert '"content": "Hi"' in (await site.run("get", key)).output
    assert (await site.run("delete", "--tenant", "a", "--model", "m")).output == "deleted: 1\n"
    assert await site.chat(stream=False) == "MISS"
    assert (await site.run("delete", key)).output == "deleted: 1\n"
    assert (await site.run("warm", str(file))).output == "stored: 1\n"
    assert await site.chat() == "HIT"
    assert (await site.run("delete", "--all")).output == "deleted: 1\n"
    assert (await site.run("export")).output == ""


async def test_the_command_line_says_what_is_wrong(site: Site, tmp_path: Path) -> None:
    assert (await site.run("delete")).exit_code == 2
    assert "A key is 64 hexadecimal digits" in (await site.run("get", "xyz")).output
    file = tmp_path / "bad.jsonl"
    file.write_bytes(b"{}\n")
    told = await site.run("warm", str(file))
    assert told.exit_code == 1
    assert f"{file}:1: " in told.output
