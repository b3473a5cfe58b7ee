"""Two gateways that share a Redis and a PostgreSQL: one is killed, and nothing that clients rely on goes with it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.e2e.test_limits import ANSWER, CHAT, two
from tests.support.postgres import postgres
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.needs("redis", "postgres")

PATIENCE = 15
CONFIG = """
auth:
  keys: [{key: sk-admin, name: admin, admin: true}]
  issued_keys: {pepper: a-pepper-that-is-long-enough}
limits: {url: "%(redis)s", timeout: 5s}
cache: {store: {kind: redis, url: "%(redis)s"}, front: {ttl: 0s}}
store: {url: "%(database)s", journal: "%(journal)s", durability: sync}
providers: {up: {kind: openai, base_url: "%(upstream)s"}}
models: {m: {provider: up}}
log: {requests: false}
"""


class Upstream:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.url = ""

    async def answer(self, _request: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response(ANSWER)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    found = Upstream()
    application = web.Application()
    application.router.add_post("/v1/chat/completions", found.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield found
    await runner.cleanup()


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as running:
        yield running.database()


@pytest.fixture
def config(tmp_path: Path, redis: RedisServer, database: str, upstream: Upstream) -> Path:
    written = tmp_path / "forebay.yaml"
    values = {"redis": redis.url, "database": database, "journal": tmp_path / "journal", "upstream": upstream.url}
    written.write_text(CONFIG % values)
    return written


class Gateway:
    """One of the two, asked with a key."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def ask(self, method: str, path: str, key: str, **more: Any) -> tuple[int, Any, str]:
        """Status, body, and what the cache says."""
        headers = {"authorization": f"Bearer {key}"}
        async with self._http.request(method, self._url + path, headers=headers, **more) as reply:
            return reply.status, await reply.json(), reply.headers.get("x-cache", "")

    async def until(self, status: int, key: str) -> None:
        """Wait until a chat is answered with ``status``: processes hear of keys within a second."""
        async with asyncio.timeout(PATIENCE):
            while True:
                if (await self.ask("POST", "/v1/chat/completions", key, json=CHAT))[0] == status:
                    return
                await asyncio.sleep(0.05)


async def test_a_gateway_takes_nothing_with_it(config: Path, upstream: Upstream) -> None:
    async with two(config) as servers, aiohttp.ClientSession() as http:
        first, second = (Gateway(http, each.url) for each in servers)
        _, made, _ = await first.ask("POST", "/admin/keys", "sk-admin", json={"name": "a", "rpm": 1000})
        key = made["key"]
        await first.until(200, key)
        _, said, _ = await first.ask("POST", "/v1/responses", key, json={"model": "m", "input": "Hi", "store": True})

        servers[0].process.kill()
        await asyncio.to_thread(servers[0].process.wait)

        await second.until(200, key)
        asked = upstream.asked
        assert (await second.ask("POST", "/v1/chat/completions", key, json=CHAT))[2] == "HIT"
        assert upstream.asked == asked
        status, kept, _ = await second.ask("GET", f"/v1/responses/{said['id']}", key)
        assert (status, kept["id"]) == (200, said["id"])
        _, limits, _ = await second.ask("GET", "/v1/limits", key)
        (counted,) = [each for each in limits["data"] if each["rpm"]]
        assert counted["rpm"]["remaining"] < counted["rpm"]["limit"]
        assert (await second.ask("DELETE", f"/admin/keys/{made['id']}", "sk-admin"))[0] == 200
        await second.until(401, key)
