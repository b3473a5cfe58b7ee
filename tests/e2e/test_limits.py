"""Two servers and one Redis, as they are started for real: a limit holds for both together."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.support.redis_server import RedisServer, redis_server
from tests.support.served import Served, forebay

pytestmark = pytest.mark.needs("redis")

LIMIT = 100
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}
CONFIG = """
auth: {keys: [{key: sk-a, name: a}]}
limits: {url: "%s", timeout: 5s, keys: {rpm: %d, budget_day: 1}}
providers: {up: {kind: openai, base_url: "%s"}}
models: {m: {deployments: [{provider: up}]}}
prices: {up/m: {input: 1, output: 1}}
log: {requests: false}
"""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


@pytest.fixture
async def upstream() -> AsyncIterator[str]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=json.dumps(ANSWER), content_type="application/json")

    application = web.Application()
    application.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()


@contextlib.asynccontextmanager
async def two(config: Path) -> AsyncIterator[list[Served]]:
    """Two servers that are started at the same time, and stopped without holding up the loop."""
    with ThreadPoolExecutor(2) as threads:
        loop = asyncio.get_running_loop()
        contexts = [forebay("--config", str(config)) for _ in range(2)]
        servers = await asyncio.gather(*(loop.run_in_executor(threads, each.__enter__) for each in contexts))
        try:
            yield list(servers)
        finally:
            ends = [loop.run_in_executor(threads, each.__exit__, None, None, None) for each in contexts]
            await asyncio.gather(*ends)


async def test_two_servers_let_through_what_one_would(tmp_path: Path, redis: RedisServer, upstream: str) -> None:
    config = tmp_path / "forebay.yaml"
    config.write_text(CONFIG % (redis.url, LIMIT, upstream))
    headers = {"authorization": "Bearer sk-a"}
    async with two(config) as servers, aiohttp.ClientSession(headers=headers) as http:

        async def status(number: int) -> int:
            async with http.post(f"{servers[number % 2].url}/v1/chat/completions", json=CHAT) as reply:
                return reply.status

        began = time.monotonic()
        statuses = await asyncio.gather(*map(status, range(140)))
        took = time.monotonic() - began
        passed = statuses.count(200)
        assert LIMIT <= passed <= LIMIT + took * LIMIT / 60 + 1
        assert set(statuses) == {200, 429}
        cost = passed * 4e-6
        async with asyncio.timeout(10):
            while True:
                async with http.get(f"{servers[0].url}/v1/limits") as reply:
                    (told,) = (await reply.json())["data"]
                if told["budget_day"]["spent"] == pytest.approx(cost, abs=1e-12):
                    break
                await asyncio.sleep(0.05)
        assert told["rpm"]["limit"] == LIMIT
