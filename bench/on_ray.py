"""What Ray costs beside a direct call, and whether updates lose requests.

.venv-ray/bin/python bench/on_ray.py cost | ahead | updates

`cost`: one client, one request after the other, in turns at a provider that answers at once, at `forebay serve` before
it, and at the same on Ray; then at the default model for one token, by `forebay serve` and by Ray's two deployments.
`ahead`: the same at real-time priority, on a machine on which others work; as root, and for seconds only.
`updates`: rolling updates of a gateway in two replicas while clients ask; a request is lost that has no whole answer.
"""

import asyncio
import contextlib
import functools
import http.client
import json
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.rayserve.load import load
from tests.support.paced import paced
from tests.support.ray_nodes import Nodes, ray_nodes
from tests.support.served import forebay
from tests.support.upstream import upstream

TURNS: Final = 5
REQUESTS: Final = 40
TOKENS: Final = 64
UPDATES: Final = 20
NODES: Final = [{"front": 1.0}, {"back": 1.0}, {"back": 1.0}]

PASSED = """
server: {port: %d}
log: {requests: false}
providers: {fake: {kind: openai, base_url: "%s"}}
models: {paced: {provider: fake}}
ray: {gateways: {min: %d, max: %d, cpus: 0.1}}
"""
EMBEDDED = """
server: {port: %d}
log: {requests: false}
providers: {engine: {kind: engine, model: smollm2, kv_cache: 64 MiB}}
models: {smollm2: {provider: engine}}
ray:
  gateways: {min: 1, max: 1, cpus: 0.1}
  engines: {min: 1, max: 1, cpus: 0.1}
"""


Beside = Callable[[], contextlib.AbstractContextManager[None]]
"""How a measurement goes with whatever else runs on the machine."""


def cost(beside: Beside = contextlib.nullcontext) -> None:
    """All tables."""
    with (
        _provider(0.0) as fake,
        _ray(PASSED, fake, 1, 1) as (nodes, config),
        forebay("--config", str(config)) as direct,
    ):
        ports = {"provider": int(fake.rpartition(":")[2].removesuffix("/v1")), "serve": _port(direct.url)}
        ports["ray"] = nodes.port
        with beside():
            _table("one token, whole", _in_turns(ports, "paced", 1, stream=False))
            _table(f"{TOKENS} tokens, streamed", _in_turns(ports, "paced", TOKENS, stream=True))
    with _ray(EMBEDDED) as (nodes, config), forebay("--config", str(config)) as direct:
        ports = {"serve": _port(direct.url), "ray": nodes.port}
        with beside():
            _table("engine, one token", _in_turns(ports, "smollm2", 1, stream=False))
            _table(f"engine, {TOKENS} tokens streamed", _in_turns(ports, "smollm2", TOKENS, stream=True, requests=2))


@contextlib.contextmanager
def _before_others() -> Iterator[None]:
    """This process and all that it has started, Ray's nodes too, are waited for by everybody else."""
    _schedule(os.SCHED_FIFO, 10)
    try:
        yield
    finally:
        _schedule(os.SCHED_OTHER, 0)


def _schedule(policy: int, priority: int) -> None:
    own = psutil.Process()
    for process in [own, *own.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            for thread in process.threads():
                os.sched_setscheduler(thread.id, policy, os.sched_param(priority))


def updates() -> None:
    """What became of the requests of all the updates."""
    with _provider(0.02) as fake, _ray(PASSED, fake, 2, 2) as (nodes, config):
        with load(nodes.url, "paced", whole=4, streams=4) as running:
            for number in range(UPDATES):
                config.write_text(config.read_text() + f"\n# update {number}\n")
                done = nodes.deploy(str(config))
                print(f"update {number + 1}: exit {done.returncode}, {dict(running.counted)}", flush=True)
        lost = {what: count for what, count in running.counted.items() if what not in {"whole", "done"}}
        print(f"{UPDATES} updates, {running.counted.total()} requests, lost: {lost or 0}")


@contextlib.contextmanager
def _ray(form: str, *values: object) -> Iterator[tuple[Nodes, Path]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, ray_nodes(port, NODES) as nodes:
        config = Path(folder) / "forebay.yaml"
        config.write_text(form % (port, *values))
        done = nodes.deploy(str(config))
        if done.returncode:
            raise SystemExit(done.stderr)
        yield nodes, config


@contextlib.contextmanager
def _provider(pace: float) -> Iterator[str]:
    """The base URL of a provider, in a thread of its own."""
    found: list[str] = []
    listening, ended = threading.Event(), threading.Event()

    async def serve() -> None:
        async with upstream(paced(pace, pace)) as running:
            found.append(running.url)
            listening.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    listening.wait()
    try:
        yield found[0]
    finally:
        ended.set()
        thread.join()


def _in_turns(
    ports: Mapping[str, int], model: str, tokens: int, *, stream: bool, requests: int = REQUESTS
) -> dict[str, list[float]]:
    """The seconds of each request, by whom it went to."""
    taken: dict[str, list[float]] = {name: [] for name in ports}
    asks = {name: _asker(port, model, tokens, stream=stream) for name, port in ports.items()}
    for ask in asks.values():
        ask()
    for _ in range(TURNS):
        for name, ask in asks.items():
            taken[name] += [ask() for _ in range(requests)]
    return taken


def _asker(port: int, model: str, tokens: int, *, stream: bool) -> Callable[[], float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    messages = [{"role": "user", "content": "Count up."}]
    body = json.dumps({"model": model, "max_tokens": tokens, "stream": stream, "messages": messages})

    def ask() -> float:
        start = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
        reply = connection.getresponse()
        answer = reply.read()
        if reply.status != 200:
            raise SystemExit(answer)
        return time.perf_counter() - start

    return ask


def _table(title: str, taken: Mapping[str, list[float]]) -> None:
    print(f"\n{title}")
    for name, seconds in taken.items():
        p50, p95 = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
        print(f"  {name:10} p50 {1000 * p50:8.2f} ms   p95 {1000 * p95:8.2f} ms   n {len(seconds)}", flush=True)


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


if __name__ == "__main__":
    {"cost": cost, "ahead": functools.partial(cost, _before_others), "updates": updates}[
        sys.argv[1] if len(sys.argv) > 1 else "cost"
    ]()
