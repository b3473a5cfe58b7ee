#!/usr/bin/env python3
"""Whether memory or sockets grow: two million requests of which the upstream spoils one in twenty, and streams besides.

    python bench/gateway/soak.py [--requests 2000000]

After each slice of plain requests come some streams, half of whose spoilt ones break off; then memory, open files and
connections are read. The status is 1 if one of them still grows in the second half, or an answer was neither whole nor
an error that says so.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.gateway.compare import CHAT, HERE, MIB, ON_GATEWAY_CPU, ON_LOAD_CPU, build
from bench.gateway.provider import START_PAUSE, START_SECONDS, start_plain
from bench.processes import Server, allow_many_files, answers, compile_forebay, forebay, memory, running, wait_for
from bench.report import Cells, Goal, below, machine, missed, print_goals, print_table

BODY, STREAM_BODY = HERE / "body_faulty.json", HERE / "body_faulty_stream.json"
CONNECTIONS = 64
STREAMS = 200
SLICE_SECONDS = 10
STREAM_SECONDS = 30
GROWTH_MIB = 2
FILES_LEFT = 2 * CONNECTIONS + 2 * STREAMS
"""Idle connections to the upstream are kept: as many as there were streams at once, which go to two deployments."""


@dataclass(frozen=True)
class Slice:
    """How Forebay stood after so many requests."""

    requests: int
    failed: int
    timed_out: int
    streams_whole: int
    memory_mib: float
    files: int


def soak(server: Server, process: subprocess.Popen[bytes], work: Path, requests: int) -> list[Slice]:
    """Ask until there were so many ``requests``."""
    slices: list[Slice] = []
    done = failed = timed_out = 0
    while done < requests:
        figures = _plain(server)
        done += figures["requests"]
        failed += figures["err_status"]
        timed_out += figures["err_sock"]
        whole = _streams(server, work)
        slices.append(
            Slice(done, failed, timed_out, whole, round(memory(process) / MIB, 1), _files(process.pid)),
        )
        print(f"{done:,} of {requests:,}", file=sys.stderr)
    return slices


def _plain(server: Server) -> dict[str, int]:
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{SLICE_SECONDS}s", "--timeout", "10s"]
    environment = {**os.environ, "WPATH": CHAT, "BODY": str(BODY)}
    command = [*ON_LOAD_CPU, "wrk", *options, "-s", str(HERE / "post.lua"), server.url]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    found = re.search(r"JSON (\{.*\})", said)
    if found is None:
        raise SystemExit(f"wrk said: {said}")
    figures: dict[str, int] = json.loads(found.group(1))
    return figures


def _streams(server: Server, work: Path) -> int:
    where = ["127.0.0.1", str(server.port), CHAT, str(STREAM_BODY)]
    command = [*ON_LOAD_CPU, str(work / "sc"), *where, str(STREAMS), "n", "1", "0", str(STREAM_SECONDS)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(json.loads(said.strip().splitlines()[-1])["ok"])


def _files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def goals(slices: Sequence[Slice]) -> list[Goal]:
    """Nothing grows once everything has been seen: from the middle to the end."""
    middle, last = slices[len(slices) // 2], slices[-1]
    return [
        below("growth of memory, second half", GROWTH_MIB, round(last.memory_mib - middle.memory_mib, 1), " MiB"),
        below("open files at the end", FILES_LEFT, last.files),
        below("requests without an answer", 1, last.timed_out),
    ]


def cells(each: Slice) -> Cells:
    """A slice's line of the table."""
    return {
        "requests": f"{each.requests:,}",
        "answered with an error": f"{each.failed:,}",
        "not answered": f"{each.timed_out}",
        f"whole streams of {STREAMS}": f"{each.streams_whole}",
        "memory MiB": f"{each.memory_mib}",
        "open files": f"{each.files}",
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2_000_000, help="plain requests [2,000,000]")
    options = parser.parse_args()
    allow_many_files()
    work = Path(tempfile.mkdtemp(prefix="gateway-soak-"))
    build(work)
    compile_forebay()
    with start_plain(work, ON_LOAD_CPU) as upstream:
        environment = {"UPSTREAM": upstream.address}
        server = Server("forebay", [forebay(), "serve", "--config", str(HERE / "forebay.yaml")], 8110, environment)
        with running(server, work, ON_GATEWAY_CPU) as process:
            ready = BODY.read_bytes().strip()
            wait_for(lambda: answers(server.url + CHAT, ready), process, START_SECONDS, START_PAUSE)
            slices = soak(server, process, work, options.requests)
    print(machine())
    print_table([cells(each) for each in slices])
    reached = goals(slices)
    print_goals(reached)
    shutil.rmtree(work)
    return 1 if missed(reached) else 0


if __name__ == "__main__":
    sys.exit(main())
