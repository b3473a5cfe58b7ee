#!/usr/bin/env python3
"""What ``forebay bench`` itself can drive from one process: requests a second, and streams at once.

    python bench/client.py [--seconds 8]

CPU 0 carries the mock provider, CPU 1 ``forebay bench``. bench/README.md says what has to be installed. The status is 1
if a goal was missed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.processes import Server, allow_many_files, answers, compile_forebay, forebay, running, wait_for
from bench.report import at_least, below, machine, missed, print_goals, print_table

HERE = Path(__file__).resolve().parent
PORT = 9000
RATE, STREAMS = 5000, 2000
PACE_MS = 100
"""Between the chunks of the provider's model called d100."""


def drive(folder: Path, *load: str) -> tuple[dict[str, Any], float]:
    """The figures of one load, and the share of a CPU that it took."""
    figures = folder / "figures.json"
    command = ["taskset", "-c", "1", forebay(), "bench", f"http://127.0.0.1:{PORT}", *load, "--json", str(figures)]
    before, began = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after, wall = os.times(), time.perf_counter() - began
    used = after.children_user + after.children_system - before.children_user - before.children_system
    found: dict[str, Any] = json.loads(figures.read_bytes())["servers"][0]["summary"]
    return found, used / wall


def cells(name: str, found: dict[str, Any], share: float) -> dict[str, str]:
    """A line of the table."""
    late = found["late"]
    return {
        "load": name,
        "requests/s": f"{found['requests_per_second']:.0f}",
        "tokens/s": f"{found['output_tokens_per_second']:.0f}",
        "failed": f"{found['failed']}",
        "latency p50 ms": f"{found['latency']['p50']:.2f}",
        "latency p99 ms": f"{found['latency']['p99']:.2f}",
        "TPOT p50 ms": f"{found['tpot']['p50']:.2f}" if found["tpot"] else "-",
        "sent late p99 ms": f"{late['p99']:.2f}" if late else "-",
        "share of its CPU": f"{share:.2f}",
    }


def measure(folder: Path, seconds: float) -> int:
    """Measure, print, and say what the status is."""
    lasting = ("--duration", str(seconds))
    short = ("--model", "mock", "--no-stream", "--input-tokens", "64")
    loads: Sequence[tuple[str, tuple[str, ...]]] = (
        ("64 at once", (*short, "--concurrency", "64", *lasting)),
        (f"{RATE} a second", (*short, "--rate", str(RATE), *lasting)),
        (f"{STREAMS} streams", ("--model", "d100", "--concurrency", str(STREAMS), "--requests", str(STREAMS))),
    )
    found = {name: drive(folder, *load) for name, load in loads}
    print_table([cells(name, *each) for name, each in found.items()])
    rated, streams = found[f"{RATE} a second"][0], found[f"{STREAMS} streams"][0]
    goals = [
        at_least("requests/s as fast as possible", RATE, found["64 at once"][0]["requests_per_second"]),
        at_least("requests/s of those asked for", 0.98 * RATE, rated["requests_per_second"]),
        below("p99 of lateness", 20, rated["late"]["p99"], " ms"),
        at_least("streams that end whole", STREAMS, streams["completed"]),
        below("TPOT p50 of streams beside the provider's", 1.02, streams["tpot"]["p50"] / PACE_MS),
    ]
    print_goals(goals)
    return int(missed(goals))


def main() -> None:
    """Start the provider and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8, help="for each load of requests [8]")
    options = parser.parse_args()
    compile_forebay()
    allow_many_files()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="client-") as name:
        folder = Path(name)
        subprocess.run(["gcc", "-O2", "-o", str(folder / "mock"), str(HERE / "gateway" / "mock.c")], check=True)
        server = Server("mock", [str(folder / "mock"), str(PORT)], PORT)
        with running(server, folder, ("taskset", "-c", "0")) as process:
            wait_for(lambda: answers(f"{server.url}/v1/models"), process, 10, 0.05)
            sys.exit(measure(folder, options.seconds))


if __name__ == "__main__":
    main()
