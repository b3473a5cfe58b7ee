#!/usr/bin/env python3
"""What an upstream client costs: microseconds of CPU for a request, and for a piece of a stream, side by side.

    upstream.py [--rounds 40] [--prototype FILE]

All clients run in turn in this one process, so that a busy machine slows all of them alike; the best round and the
median are told. A mock provider (mock.c) answers. "bare" is a minimal client in FILE, without headers, time-outs or
errors: what the sockets, the event loop and the parser cost anyway.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import uvloop

from forebay.core.types import Call, Deployment, Operation, Principal, Request, Stream, Trace
from forebay.providers.openai import OpenAIProvider, OpenAISettings
from forebay.providers.transport import Client

HERE = Path(__file__).parent
PORT = 9137
URL = f"http://127.0.0.1:{PORT}/v1"
WHOLE = (HERE / "body_ns.json").read_bytes().strip()
STREAM = (HERE / "body_slow.json").read_bytes().strip()
AT_ONCE = 64
REQUESTS = 20
STREAMS = 200
PIECES = 65
HEADERS = {"authorization": "Bearer sk-upstream", "content-type": "application/json"}

Ask = Callable[[], Awaitable[None]]


@contextlib.contextmanager
def mock() -> Iterator[None]:
    """The mock provider, compiled and running."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "mock"
        subprocess.run(["gcc", "-O2", "-w", "-o", program, HERE / "mock.c"], check=True)
        process = subprocess.Popen([program, str(PORT)], stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def forebays(client: Client) -> tuple[Ask, Ask]:
    """The transport alone."""

    async def whole() -> None:
        response = await client.send(b"POST", b"/chat/completions", WHOLE)
        assert len(await response.read(1 << 20)) > 600

    async def stream() -> None:
        response = await client.send(b"POST", b"/chat/completions", STREAM)
        while await response.chunk():
            pass

    return whole, stream


def providers(provider: OpenAIProvider) -> tuple[Ask, Ask]:
    """The provider: the body rewritten, the reply checked, the usage read."""
    who, where = Principal("bench"), Deployment("mock", "mock", "mock-slow")

    async def whole() -> None:
        request = Request(Operation.CHAT, "mock", WHOLE)
        await provider.answer(Call("req_1", request, who, Trace(0.0)), where)

    async def stream() -> None:
        request = Request(Operation.CHAT, "mock", STREAM, stream=True)
        reply = await provider.answer(Call("req_1", request, who, Trace(0.0)), where)
        assert isinstance(reply, Stream)
        async with contextlib.aclosing(reply.events) as events:
            async for _ in events:
                pass

    return whole, stream


def aiohttps(session: aiohttp.ClientSession) -> tuple[Ask, Ask]:
    """What most gateways in Python use, or something slower."""

    async def whole() -> None:
        async with session.post(f"{URL}/chat/completions", data=WHOLE) as response:
            assert len(await response.read()) > 600

    async def stream() -> None:
        async with session.post(f"{URL}/chat/completions", data=STREAM) as response:
            async for _ in response.content.iter_any():
                pass

    return whole, stream


def bares(module: ModuleType) -> tuple[Ask, Ask]:
    """The prototype."""
    pool: Any = module.Pool("127.0.0.1", PORT)

    async def whole() -> None:
        used = await pool.post(WHOLE)
        await used.headers()
        await used.read_all()
        pool.release(used)

    async def stream() -> None:
        used = await pool.post(STREAM)
        while await used.chunk() is not None:
            pass
        pool.release(used)

    return whole, stream


@contextlib.asynccontextmanager
async def clients(prototype: Path | None) -> AsyncIterator[dict[str, tuple[Ask, Ask]]]:
    """All of them, ready."""
    client = Client(URL, headers=HEADERS)
    provider = OpenAIProvider("mock", OpenAISettings(URL))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=HEADERS, connector=connector) as session:
        found = {"transport": forebays(client), "provider": providers(provider), "aiohttp": aiohttps(session)}
        if prototype:
            spec = importlib.util.spec_from_file_location("prototype", prototype)
            assert spec
            assert spec.loader
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            found = {"bare": bares(module), **found}
        yield found
    await client.aclose()
    await provider.close()


async def cost(ask: Ask, at_once: int, times: int) -> float:
    """Seconds of CPU for ``at_once`` callers that each ask so many times."""

    async def caller() -> None:
        for _ in range(times):
            await ask()

    before = time.process_time()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    return time.process_time() - before


async def measure(rounds: int, prototype: Path | None) -> dict[str, dict[str, list[float]]]:
    """Microseconds of every round: for a request, for a piece of a stream (10 ms apart)."""
    async with clients(prototype) as all_of_them:
        found: dict[str, dict[str, list[float]]] = {name: {"request": [], "piece": []} for name in all_of_them}
        for _ in range(rounds):
            for name, (whole, _) in all_of_them.items():
                spent = await cost(whole, AT_ONCE, REQUESTS)
                found[name]["request"].append(spent / AT_ONCE / REQUESTS * 1e6)
        for _ in range(max(rounds // 10, 2)):
            for name, (_, stream) in all_of_them.items():
                spent = await cost(stream, STREAMS, 1)
                found[name]["piece"].append(spent / STREAMS / PIECES * 1e6)
        return found


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--prototype", type=Path)
    options = parser.parse_args()
    with mock():
        found = uvloop.run(measure(options.rounds, options.prototype))
    print(f"{'client':12}{'us/request':>12}{'median':>8}{'us/piece':>12}{'median':>8}")
    for name, each in found.items():
        best = [f"{min(figures):.1f}" for figures in each.values()]
        usual = [f"{statistics.median(figures):.1f}" for figures in each.values()]
        print(f"{name:12}{best[0]:>12}{usual[0]:>8}{best[1]:>12}{usual[1]:>8}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
