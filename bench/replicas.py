#!/usr/bin/env python3
"""Two engines on two cores beside each alone, and four gateways that keep one limit in one Redis.

    python bench/replicas.py

Each engine is pinned to a core. bench/README.md says what has to be installed.
"""

import argparse
import concurrent.futures
import contextlib
import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.processes import Server, answers, compile_forebay, forebay, running, wait_for
from bench.report import Goal, at_least, machine, missed, print_goals, print_table
from tests.support.redis_server import redis_server

ENGINES, GATEWAYS, LIMIT = (8510, 8511), (8520, 8521, 8522, 8523), 100
LOAD = ("--model", "smollm2", "--concurrency", "8", "--requests", "32", "--output-tokens", "64", "--input-tokens", "64")
ENGINE = "providers: {engine: {kind: engine, model: smollm2}}\nmodels: {smollm2: {provider: engine}}\n"
GATEWAY = """
auth: {{keys: [{{key: sk-1234, name: bench, limits: {{rpm: {limit}}}}}]}}
limits: {{url: "{redis}"}}
providers: {{nobody: {{kind: openai, base_url: "http://127.0.0.1:9/v1"}}}}
models: {{m: {{provider: nobody, retries: {{max: 0}}}}}}
log: {{requests: false}}
"""


@contextlib.contextmanager
def started(folder: Path, servers: Sequence[tuple[Server, Sequence[str]]]) -> Iterator[None]:
    """All of the servers, each behind its prefix, once they answer."""
    with contextlib.ExitStack() as stack:
        for server, prefix in servers:
            process = stack.enter_context(running(server, folder, prefix))
            wait_for(lambda url=f"{server.url}/health": answers(url), process, 120, 0.1)  # type: ignore[misc]
        yield


def rate(port: int, figures: Path) -> float:
    """Output tokens a second of the engine at ``port``."""
    command = [forebay(), "bench", f"http://127.0.0.1:{port}", *LOAD, "--json", str(figures)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads(figures.read_bytes())["servers"][0]["summary"]
    return float(found["output_tokens_per_second"])


def engines(folder: Path) -> Goal:
    """Measure two engines alone and at once."""
    (folder / "engine.yaml").write_text(ENGINE)
    command = [forebay(), "serve", "--role", "engine", "--config", str(folder / "engine.yaml"), "--port"]
    servers = [
        (Server(f"engine {core}", [*command, str(port)], port), ("taskset", "-c", str(core)))
        for core, port in enumerate(ENGINES)
    ]
    with started(folder, servers):
        alone = [rate(port, folder / "alone.json") for port in ENGINES]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            both = [*pool.map(lambda port: rate(port, folder / f"{port}.json"), ENGINES)]
    rows = [("each alone", alone), ("at once", both)]
    print_table(
        [{"tokens/s": name, "first": f"{a:.0f}", "second": f"{b:.0f}", "sum": f"{a + b:.0f}"} for name, (a, b) in rows]
    )
    return at_least("two engines at once beside the sum of each alone", 0.95, sum(both) / sum(alone))


def status(port: int) -> int:
    """What a gateway says to one request; its upstream is not there, so what is let through fails with 502."""
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()
    headers = {"content-type": "application/json", "authorization": "Bearer sk-1234"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def gateways(folder: Path) -> Goal:
    """Ask four gateways at once for three times what the limit lets through."""
    with redis_server(folder) as redis:
        config = folder / "gateway.yaml"
        config.write_text(GATEWAY.format(limit=LIMIT, redis=redis.url))
        command = [forebay(), "serve", "--role", "gateway", "--config", str(config), "--port"]
        with started(folder, [(Server(f"gateway {port}", [*command, str(port)], port), ()) for port in GATEWAYS]):
            ports = [port for _ in range(3 * LIMIT // len(GATEWAYS)) for port in GATEWAYS]
            with concurrent.futures.ThreadPoolExecutor(32) as pool:
                passed = sum(each != 429 for each in pool.map(status, ports))
    print_table([{"asked of four gateways": str(len(ports)), "passed": str(passed), "limit a minute": str(LIMIT)}])
    most = LIMIT + len(GATEWAYS)
    return Goal("requests that four gateways let through", f"{LIMIT} to {most}", str(passed), LIMIT <= passed <= most)


def main() -> None:
    """Measure both and print."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    compile_forebay()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="replicas-") as name:
        goals = [engines(Path(name)), gateways(Path(name))]
    print_goals(goals)
    sys.exit(int(missed(goals)))


if __name__ == "__main__":
    main()
