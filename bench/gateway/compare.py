#!/usr/bin/env python3
"""Gateways side by side in one run: requests a second, added latency and streams, as ratios to nginx and LiteLLM.

    python bench/gateway/compare.py --litellm ENVIRONMENT
    python bench/gateway/compare.py --only nginx,forebay --seconds 4
    python bench/gateway/compare.py --tls

CPU 0 carries a mock provider and the load, CPU 1 the gateway under test, alike for all. bench/README.md says what has
to be installed. The status is 1 if a gateway did not start or Forebay missed a goal.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.gateway.imports import import_goal
from bench.gateway.provider import PLAIN_PORT, START_PAUSE, START_SECONDS, Upstream, start_plain, start_tls
from bench.processes import (
    KEY,
    NotStartedError,
    Server,
    allow_many_files,
    answers,
    compile_forebay,
    cpu_seconds,
    explain,
    forebay,
    memory,
    running,
    wait_for,
)
from bench.report import Cells, Goal, at_least, below, machine, missed, print_goals, print_table, ratio, times, write

HERE = Path(__file__).resolve().parent
NAMES = ("nginx", "forebay", "litellm")
TOOLS = ("gcc", "nginx", "openssl", "taskset", "wrk")
LOAD_CPU, GATEWAY_CPU = 0, 1
ON_LOAD_CPU = ("taskset", "-c", str(LOAD_CPU))
ON_GATEWAY_CPU = ("taskset", "-c", str(GATEWAY_CPU))

CHAT = "/v1/chat/completions"
PLAIN_BODY, SLOW_BODY = HERE / "body_ns.json", HERE / "body_slow.json"
FEW = (1, 8)
"""At how many requests at once the time to the first token is measured, each connection asking `ROUNDS` times."""
ROUNDS = 12
STREAM_SECONDS = 30
MIB = 1024**2

LITELLM_ENVIRONMENT = {
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOG": "ERROR",
}

Figures = dict[str, Any]
"""What wrk or the stream client reported."""


@dataclass(frozen=True)
class Row:
    """What was measured of one gateway: idle, one request at a time, 64 at a time, many slow streams at a time.

    ``ttft_us`` are medians of the time to the first token of slow streams, by how many at once, less those of the
    provider asked directly.
    """

    name: str
    startup_s: float
    idle_mib: float
    low: Figures
    high: Figures
    streams: Figures
    ttft_us: Mapping[int, float]
    peak_mib: float


Rows = Mapping[str, Row]


def gateways(names: Iterable[str], work: Path, litellm: Path | None, upstream: Upstream) -> list[Server]:
    """How the gateways with these names are started, each with ``upstream`` behind it."""
    environment = {"UPSTREAM": upstream.address, **upstream.environment}
    ours = [forebay(), "serve", "--config", str(HERE / "forebay.yaml")]
    known = {
        "nginx": Server("nginx", ["nginx", "-p", str(work), "-c", str(work / "nginx.conf")], 8101),
        "forebay": Server("forebay", ours, 8110, environment),
    }
    if litellm is not None:
        known["litellm"] = _litellm(litellm.absolute(), upstream)
    return [known[name] for name in names]


def _litellm(installed: Path, upstream: Upstream, port: int = 8111) -> Server:
    command = [str(installed / "bin" / "litellm"), "--config", str(HERE / "litellm.yaml"), "--host", "127.0.0.1"]
    environment = {**LITELLM_ENVIRONMENT, **upstream.environment, "UPSTREAM": f"{upstream.address}/v1"}
    return Server("litellm", [*command, "--port", str(port), "--num_workers", "1"], port, environment)


def build(work: Path) -> None:
    """Compile the mock provider and the stream client."""
    for name in ("mock", "sc"):
        subprocess.run(["gcc", "-O2", "-o", str(work / name), str(HERE / f"{name}.c")], check=True)


def measure(gateway: Server, work: Path, options: argparse.Namespace, direct: Mapping[int, float]) -> Row:
    """Start a gateway and measure it: latency first, saturation last, for some go on working after they replied.

    ``direct`` is how long the provider itself takes to its first token, by how many ask at once.

    Raises:
        NotStartedError: it did not start.
    """
    body = PLAIN_BODY.read_bytes().strip()
    started = time.monotonic()
    with running(gateway, work, ON_GATEWAY_CPU) as process:
        wait_for(lambda: answers(gateway.url + CHAT, body), process, START_SECONDS, START_PAUSE)
        startup = time.monotonic() - started
        idle = memory(process)
        wrk(gateway, process, connections=4, seconds=1)
        return Row(
            name=gateway.name,
            startup_s=round(startup, 2),
            idle_mib=round(idle / MIB, 1),
            low=wrk(gateway, process, connections=1, seconds=2),
            ttft_us={few: round(took - direct[few], 1) for few, took in first_tokens(gateway.port, work).items()},
            high=wrk(gateway, process, connections=64, seconds=options.seconds),
            streams=_slow_streams(gateway, work, options.streams),
            peak_mib=round(memory(process) / MIB, 1),
        )


def wrk(gateway: Server, process: subprocess.Popen[bytes], *, connections: int, seconds: int) -> Figures:
    """Plain requests over so many connections, and the processor time that each cost the gateway."""
    before = cpu_seconds(process)
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    command = ["wrk", *options, "-s", str(HERE / "post.lua"), gateway.url]
    found = re.search(r"JSON (\{.*\})", _on_load_cpu(command, {"WPATH": CHAT, "BODY": str(PLAIN_BODY)}))
    if not found:
        return {"requests": 0, "rps": 0, "p50": 0, "p99": 0, "err_status": 0, "err_sock": 1, "cpu_us": 0}
    figures: Figures = json.loads(found.group(1))
    taken = cpu_seconds(process) - before
    return {**figures, "cpu_us": round(taken / max(figures["requests"], 1) * 1e6, 1)}


def first_tokens(port: int, work: Path) -> dict[int, float]:
    """Microseconds to the first token of slow streams (median), by how many of `FEW` ask at once."""
    taken = {}
    for few in FEW:
        where = ["127.0.0.1", str(port), CHAT, str(SLOW_BODY)]
        options = [str(few), "n", str(ROUNDS), "0", str(STREAM_SECONDS)]
        output = _on_load_cpu([str(work / "sc"), *where, *options, f"Authorization: Bearer {KEY}"])
        taken[few] = float(json.loads(output.strip().splitlines()[-1])["ttft_p50_us"])
    return taken


def _slow_streams(gateway: Server, work: Path, streams: int) -> Figures:
    """So many streams at once, each of 64 chunks with 10 ms between them."""
    where = ["127.0.0.1", str(gateway.port), CHAT, str(SLOW_BODY)]
    output = _on_load_cpu([str(work / "sc"), *where, str(streams), "n", "1", "0", str(STREAM_SECONDS)])
    figures: Figures = json.loads(output.strip().splitlines()[-1])
    return figures


def _on_load_cpu(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    variables = {**os.environ, **(environment or {})}
    return subprocess.run([*ON_LOAD_CPU, *command], check=False, capture_output=True, text=True, env=variables).stdout


def goals(rows: Rows, streams: int) -> list[Goal]:
    """What Forebay wants to reach, by what was measured of it and of the others."""
    row = rows["forebay"]
    rps, chunks = row.high["rps"], row.streams["chunks_s"]
    return [
        at_least("requests/s, x nginx", 0.40, ratio(rps, _rps(rows, "nginx"))),
        at_least("requests/s, x LiteLLM", 150, ratio(rps, _rps(rows, "litellm"))),
        at_least(f"{streams} slow streams, whole ones", streams, row.streams["ok"]),
        at_least("chunks/s, x nginx", 0.7, ratio(chunks, _chunks(rows, "nginx"))),
        *(below(f"added TTFT, p50, {few} at once", 500, row.ttft_us[few], " us") for few in FEW),
        below("idle memory", 60, row.idle_mib, " MiB"),
        below("start to first answer", 1, row.startup_s, " s"),
    ]


def _rps(rows: Rows, name: str) -> float | None:
    return rows[name].high["rps"] if name in rows else None


def _chunks(rows: Rows, name: str) -> float | None:
    return rows[name].streams["chunks_s"] if name in rows else None


def cells(row: Row, rows: Rows) -> Cells:
    """A gateway's line of the table."""
    low, high, streams = row.low, row.high, row.streams
    return {
        "gateway": row.name,
        "rps c64": f"{high['rps']:.0f}",
        "x nginx": times(high["rps"], _rps(rows, "nginx")),
        "x litellm": times(high["rps"], _rps(rows, "litellm")),
        "cpu us": f"{high['cpu_us']:.1f}",
        "p50 c1 us": f"{low['p50']:.0f}",
        "p99 c64 us": f"{high['p99']:.0f}",
        "added ttft us": " / ".join(f"{row.ttft_us[few]:.0f}" for few in FEW),
        "errors": f"{high['err_status'] + high['err_sock']}",
        "streams ok": f"{streams['ok']}",
        "chunks/s": f"{streams['chunks_s']:.0f}",
        "chunks x nginx": times(streams["chunks_s"], _chunks(rows, "nginx")),
        "ttft p50 ms": f"{streams['ttft_p50_us'] / 1000:.1f}",
        "idle MiB": f"{row.idle_mib}",
        "peak MiB": f"{row.peak_mib}",
        "start s": f"{row.startup_s}",
    }


def compare(options: argparse.Namespace, work: Path) -> tuple[list[Row], bool]:
    """Measure one gateway after the other; and whether all of them started."""
    rows, complete = [], True
    start = start_tls if options.tls else start_plain
    with start(work, ON_LOAD_CPU) as upstream:
        direct = first_tokens(PLAIN_PORT, work)
        for gateway in gateways(options.only, work, options.litellm, upstream):
            print(f"{gateway.name} ...", file=sys.stderr)
            try:
                rows.append(measure(gateway, work, options, direct))
            except NotStartedError as error:
                print(f"{gateway.name} did not start: {explain(error, gateway, work)}", file=sys.stderr)
                complete = False
    return rows, complete


def parse() -> argparse.Namespace:
    """The command line, and whether it can be done here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda text: text.split(","), help="gateways to measure: " + ",".join(NAMES))
    parser.add_argument("--seconds", type=int, default=4, help="how long to measure requests/s [4]")
    parser.add_argument("--streams", type=int, default=1000, help="slow streams at once [1000]")
    parser.add_argument("--litellm", type=Path, metavar="ENVIRONMENT", help="virtual environment with LiteLLM")
    parser.add_argument("--tls", action="store_true", help="an upstream with TLS")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write everything measured as JSON")
    options = parser.parse_args()
    options.only = options.only or [name for name in NAMES if name != "litellm" or options.litellm]
    if unknown := set(options.only) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if "litellm" in options.only and not options.litellm:
        parser.error("--litellm names the virtual environment with LiteLLM")
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        parser.error(f"not installed: {', '.join(missing)}")
    if not {LOAD_CPU, GATEWAY_CPU} <= os.sched_getaffinity(0):
        parser.error("two CPUs are needed")
    return options


def main() -> int:
    """Measure, print, write."""
    options = parse()
    allow_many_files()
    work = Path(tempfile.mkdtemp(prefix="gateway-bench-"))
    build(work)
    compile_forebay()
    try:
        measured, complete = compare(options, work)
    except NotStartedError as error:
        sys.exit(f"The mock provider did not start: {error}")
    rows = {row.name: row for row in measured}
    print(machine())
    print_table([cells(row, rows) for row in measured])
    reached = [*goals(rows, options.streams), import_goal()] if "forebay" in rows else []
    print_goals(reached)
    if options.output:
        write(options.output, measured, reached)
    if complete:
        shutil.rmtree(work)
    return 0 if complete and not missed(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
