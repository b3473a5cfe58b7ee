#!/usr/bin/env python3
"""What metering and tracing cost: requests for each second of the gateway's CPU, with and without, in turns.

    python bench/gateway/metering.py

bare      no record of anything
metered   records, figures, the story of each request: as always
traced    and OpenTelemetry, whose receiver takes everything

The gateway's CPU time counts, not the clock's, so that others on the machine disturb less; and all three run at once
and are asked in turns of a second, so that whatever the machine does for longer than that meets all of them. The ratio
is the median over rounds of a round's own. The goal: traced answers at least 94 % of what bare does.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median, quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.gateway.provider import start_plain
from bench.processes import Server, answers, cpu_seconds, running, wait_for

HERE = Path(__file__).resolve().parent
ROUNDS, SECONDS, GOAL = 40, 1, 0.94
START_SECONDS = 60.0

BARE = "import forebay.app as app; app.Process._metered = lambda self: (); from forebay.cli import main; main()"
SERVE = ("serve", "--config", str(HERE / "forebay.yaml"))


class Sink(BaseHTTPRequestHandler):
    """A receiver that takes whatever comes."""

    def do_POST(self) -> None:
        """Take it."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:  # noqa: ANN401  # its signature
        """Say nothing."""


@contextlib.contextmanager
def sink() -> Any:  # noqa: ANN401  # a generator
    """The address of a receiver."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def measured(server: Server, process: subprocess.Popen[bytes]) -> float:
    """Requests for each second of CPU."""
    before = cpu_seconds(process)
    requests = _load(server, SECONDS)
    return requests / (cpu_seconds(process) - before)


def _started(stack: contextlib.ExitStack, server: Server, folder: Path) -> subprocess.Popen[bytes]:
    process = stack.enter_context(running(server, folder, ("taskset", "-c", "1")))
    wait_for(lambda: answers(f"{server.url}/v1/models"), process, START_SECONDS, 0.1)
    _load(server, 2)
    return process


def _load(server: Server, seconds: int) -> int:
    command = ["taskset", "-c", "0", "wrk", "-t1", "-c32", f"-d{seconds}s", "-s", str(HERE / "post.lua"), server.url]
    environ = {**os.environ, "BODY": str(HERE / "body_ns.json")}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    line = next(line for line in done.stdout.splitlines() if line.startswith("JSON "))
    return int(json.loads(line[5:])["requests"])


def main() -> int:
    """Print the medians and the ratios; the status is 1 where the goal is missed."""
    with contextlib.ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory())
        subprocess.run(["gcc", "-O2", "-o", f"{name}/mock", str(HERE / "mock.c")], check=True)
        receiver = stack.enter_context(sink())
        stack.enter_context(start_plain(Path(name), ("taskset", "-c", "0")))
        command = (sys.executable, "-m", "forebay", *SERVE)
        servers = [
            Server("bare", (sys.executable, "-c", BARE, *SERVE, "--port", "8110"), 8110),
            Server("metered", (*command, "--port", "8111"), 8111),
            Server("traced", (*command, "--port", "8112"), 8112, {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver}),
        ]
        pairs = [(each, _started(stack, each, Path(name))) for each in servers]
        rounds = [[measured(*pair) for pair in pairs] for _ in range(ROUNDS)]
    ratios = [[figure / each[0] for figure in each] for each in rounds]
    for server, figures, shares in zip(servers, zip(*rounds, strict=True), zip(*ratios, strict=True), strict=True):
        low, middle, high = quantiles(shares, n=4) if server.name != "bare" else (1.0, 1.0, 1.0)
        print(f"{server.name:8} {median(figures):8.0f} requests/CPU s   {middle:.3f} (quartiles {low:.3f}, {high:.3f})")
    return int(middle < GOAL)


if __name__ == "__main__":
    raise SystemExit(main())
