#!/usr/bin/env python3
"""What three services cost beside one process: TTFT and tokens of the engine, requests a second of a gateway.

    python bench/services.py [--turns 5]

Engine and vendor stand behind `serve`, and behind `serve --role web` and `--role gateway`; ``forebay bench --compare``
asks both in turns. bench/README.md says what has to be installed.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.processes import Server, allow_many_files, answers, compile_forebay, forebay, running, wait_for
from bench.report import machine, print_table

HERE = Path(__file__).resolve().parent
MOCK, ONE, ENGINE, GATEWAY, WEB = 9410, 8420, 8421, 8422, 8423
ENGINES = """
providers:
  engine: {{kind: {kind}}}
models:
  smollm2: {{provider: engine}}
{vendor}"""
VENDOR = """
providers:
  vendor: {{kind: openai, exact: true, base_url: "http://127.0.0.1:{mock}/v1", api_key: sk-x}}
models:
  mock: {{provider: vendor}}
log: {{requests: false}}
"""
LOADS: Sequence[tuple[str, str, tuple[str, ...]]] = (
    ("engine, 1 at once", "engine", ("--concurrency", "1", "--requests", "6", "--output-tokens", "48")),
    ("engine, 8 at once", "engine", ("--concurrency", "8", "--requests", "24", "--output-tokens", "48")),
    ("vendor, 1 at once", "vendor", ("--no-stream", "--concurrency", "1", "--requests", "400")),
    ("vendor, 64 at once", "vendor", ("--no-stream", "--concurrency", "64", "--requests", "6000")),
)


def served(name: str, port: int, *arguments: str) -> Server:
    """A `forebay serve`."""
    return Server(name, [forebay(), "serve", "--port", str(port), *arguments], port)


def config(folder: Path, name: str, text: str) -> str:
    """The path of a configuration file."""
    file = folder / f"{name}.yaml"
    file.write_text(text)
    return str(file)


def servers(folder: Path, kind: str) -> list[Server]:
    """One process, then the services, each after what it asks."""
    if kind == "vendor":
        vendor = config(folder, "vendor", VENDOR.format(mock=MOCK))
        one = served("one", ONE, "--config", vendor)
        behind = [served("gateway", GATEWAY, "--role", "gateway", "--config", vendor)]
    else:
        own = config(folder, "own", ENGINES.format(kind="engine, model: smollm2", vendor="log: {requests: false}"))
        elsewhere = f'forebay, base_url: "http://127.0.0.1:{ENGINE}/v1"'
        gateway = config(folder, "gateway", ENGINES.format(kind=elsewhere, vendor="log: {requests: false}"))
        one = served("one", ONE, "--config", own)
        behind = [
            served("engine", ENGINE, "--role", "engine", "--config", own),
            served("gateway", GATEWAY, "--role", "gateway", "--config", gateway),
        ]
    return [one, *behind, served("web", WEB, "--role", "web", "--gateway", f"http://127.0.0.1:{GATEWAY}")]


@contextlib.contextmanager
def started(folder: Path, found: Sequence[Server]) -> Iterator[None]:
    """All of ``found``, once they are ready."""
    with contextlib.ExitStack() as stack:
        for server in found:
            process = stack.enter_context(running(server, folder))
            path = "/v1/models" if server.name == "mock" else "/ready"
            wait_for(lambda url=server.url + path: answers(url), process, 120, 0.1)  # type: ignore[misc]
        yield


def compared(folder: Path, load: Sequence[str], model: str, turns: int) -> dict[str, Any]:
    """What ``forebay bench`` says of one process and of the services."""
    figures = folder / "figures.json"
    urls = (f"http://127.0.0.1:{ONE}", "--compare", f"http://127.0.0.1:{WEB}")
    command = [forebay(), "bench", *urls, "--model", model, "--turns", str(turns), *load, "--json", str(figures)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads(figures.read_bytes())
    return found


def line(name: str, found: dict[str, Any]) -> dict[str, str]:
    """A line of the table."""
    one, three = (each["summary"] for each in found["servers"])

    def milliseconds(what: str) -> str:
        first = one[what] or one["latency"]
        second = three[what] or three["latency"]
        return f"{first['p50']:.2f} / {second['p50']:.2f}"

    rates = f"{one['requests_per_second']:.1f} / {three['requests_per_second']:.1f}"
    share = three["requests_per_second"] / one["requests_per_second"]
    return {
        "one process / three services": name,
        "TTFT p50 ms": milliseconds("ttft"),
        "latency p50 ms": milliseconds("latency"),
        "requests/s": rates,
        "ratio": f"{share:.2f}",
    }


def main() -> None:
    """Measure both kinds and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3, help="of each side [3]")
    options = parser.parse_args()
    compile_forebay()
    allow_many_files()
    print(machine())
    rows = []
    with tempfile.TemporaryDirectory(prefix="services-") as name:
        folder = Path(name)
        subprocess.run(["gcc", "-O2", "-o", str(folder / "mock"), str(HERE / "gateway" / "mock.c")], check=True)
        mock = Server("mock", [str(folder / "mock"), str(MOCK)], MOCK)
        for kind in ("engine", "vendor"):
            with started(folder, [mock, *servers(folder, kind)]):
                for title, wanted, load in LOADS:
                    if wanted == kind:
                        model = "smollm2" if kind == "engine" else "mock"
                        rows.append(line(title, compared(folder, load, model, options.turns)))
    print_table(rows)


if __name__ == "__main__":
    main()
