#!/usr/bin/env python3
"""What metering costs in instructions for each request: the same figure whatever else the machine is doing.

    python bench/gateway/instructions.py      (needs valgrind; a minute or two)

bare      no record of anything
metered   records, figures, the story of each request: as always

Each server runs under callgrind, which counts only between two marks, and makes it fifty times slower. The journal is
flushed when it is full, as under load, and not four times a second, or each request would pay for a flush of its own.
Traces are not measured: so slow a server would export every one. The goal of both together: 6 %.
"""

import contextlib
import http.client
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.gateway.metering import BARE, HERE, SERVE
from bench.gateway.provider import start_plain

PORT = 8113
WARM, REQUESTS = 300, 4100
METERED = "import forebay.meter.journal as j; j.INTERVAL = 1e9; from forebay.cli import main; main()"
START_SECONDS, STOP_SECONDS = 300.0, 120.0
HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-1234"}
COLLECTED = re.compile(r"Collected : (\d+)")


def ask(number: int) -> None:
    """Send ``number`` requests, one after the other."""
    body = (HERE / "body_ns.json").read_bytes()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)) as connection:
        for _ in range(number):
            connection.request("POST", "/v1/chat/completions", body, HEADERS)
            reply = connection.getresponse()
            reply.read()
            if reply.status != http.client.OK:
                raise SystemExit(f"the server answered {reply.status}")


def _started(process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            ask(1)
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit("the server did not start") from None
            time.sleep(1)
        else:
            return


def _mark(state: str, process: subprocess.Popen[str]) -> None:
    subprocess.run(["callgrind_control", "-i", state, str(process.pid)], check=True, capture_output=True)


def measured(code: str, folder: Path) -> float:
    """Instructions for each request of a server that runs ``code``."""
    callgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder / 'out'}"]
    command = [*callgrind, sys.executable, "-c", code, *SERVE, "--port", str(PORT)]
    environ = {**os.environ, "PYTHONHASHSEED": "0"}
    process = subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        _started(process)
        ask(WARM)
        _mark("on", process)
        ask(REQUESTS)
        _mark("off", process)
    finally:
        process.terminate()
        _, said = process.communicate(timeout=STOP_SECONDS)
    found = COLLECTED.search(said)
    if found is None:
        raise SystemExit(said)
    return int(found[1]) / REQUESTS


def main() -> None:
    """Print both, and what the second has more."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        subprocess.run(["gcc", "-O2", "-o", f"{folder}/mock", str(HERE / "mock.c")], check=True)
        stack.enter_context(start_plain(folder, ()))
        bare, metered = measured(BARE, folder), measured(METERED, folder)
    print(f"bare     {bare:8.0f} instructions a request")
    print(f"metered  {metered:8.0f} instructions a request, {metered / bare - 1:+.1%}")


if __name__ == "__main__":
    main()
