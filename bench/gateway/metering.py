#!/usr/bin/env python3
"""What metering and tracing cost: requests for each second of the gateway's CPU, with and without, in turns.

    python bench/gateway/metering.py

bare      no record of anything
metered   records, figures, the story of each request: as always
traced    and OpenTelemetry, whose receiver takes everything

The gateway's CPU time counts, not the clock's, so that others on the machine disturb less. The goal: traced answers at
least 94 % of what bare does.
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
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.gateway.provider import start_plain
from bench.processes import Server, answers, cpu_seconds, running, wait_for

HERE = Path(__file__).resolve().parent
TURNS, SECONDS, GOAL = 5, 3, 0.94
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


def measured(server: Server, folder: Path) -> float:
    """Requests for each second of CPU."""
    with running(server, folder, ("taskset", "-c", "1")) as process:
        wait_for(lambda: answers(f"{server.url}/v1/models"), process, START_SECONDS, 0.1)
        _load(server, 1)
        before = cpu_seconds(process)
        requests = _load(server, SECONDS)
        return requests / (cpu_seconds(process) - before)


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
        servers = {
            "bare": Server("bare", (sys.executable, "-c", BARE, *SERVE), 8110),
            "metered": Server("metered", (sys.executable, "-m", "forebay", *SERVE), 8110),
            "traced": Server(
                "traced",
                (sys.executable, "-m", "forebay", *SERVE),
                8110,
                {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver},
            ),
        }
        found: dict[str, list[float]] = {each: [] for each in servers}
        for _ in range(TURNS):
            for each, server in servers.items():
                found[each].append(measured(server, Path(name)))
    bare = median(found["bare"])
    for each, figures in found.items():
        print(
            f"{each:8} {median(figures):8.0f} requests/CPU s   {median(figures) / bare:.3f}   {[*map(round, figures)]}"
        )
    return int(median(found["traced"]) / bare < GOAL)


if __name__ == "__main__":
    raise SystemExit(main())
