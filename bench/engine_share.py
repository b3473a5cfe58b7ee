#!/usr/bin/env python3
"""Python's own share of a step: how much of the engine's thread is not spent in the graph, and on what.

    python bench/engine_share.py [--rows 32] [--tokens 128] [--profile]

So many sequences are decoded together, with a temperature and without. What is not the graph's `infer` is ours: the
schedule, the inputs, the sampler. With ``--profile`` the functions are told, which costs time itself.
"""

import argparse
import cProfile
import pstats
import random
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.report import below, machine, print_goals, print_table
from forebay.engine import catalog, library
from forebay.engine.core import Engine
from forebay.engine.graph import PagedGraph
from forebay.engine.sequence import Output, Sampling, Sequence

PROMPT = 128
WANTED = 0.10
FUNCTIONS = 20
SAMPLINGS = {
    "greedy": Sampling(temperature=0.0),
    "temperature 1": Sampling(temperature=1.0),
    "temperature 0.8, top_p 0.95": Sampling(temperature=0.8, top_p=0.95),
}


class Timed:
    """The graph's request, with a clock."""

    def __init__(self, request: Any) -> None:  # noqa: ANN401 - OpenVINO has no types
        self._request = request
        self.seconds = 0.0

    def infer(self) -> None:
        """Compute, and add up how long that takes."""
        began = time.perf_counter()
        self._request.infer()
        self.seconds += time.perf_counter() - began

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._request, name)


class Nobody:
    """Waits for nothing."""

    def receive(self, output: Output, /) -> None:
        """Take no token."""

    def fail(self, error: Exception, /) -> None:
        """Hear of no failure."""


def run(engine: Engine, timed: Timed, sampling: Sampling, rows: int) -> tuple[int, float, float]:
    """Steps that only decode, the seconds that they took, and those of them that were the graph's."""
    pick = random.Random(7)
    for _ in range(rows):
        prompt = pick.choices(range(100, 40000), k=PROMPT)
        engine.scheduler.add(Sequence(prompt, sampling, Nobody(), stop_ids=frozenset()))
    while len(engine.scheduler.running) < rows or any(each.pending > 1 for each in engine.scheduler.running):
        engine.step()
    steps, began, before = 0, time.perf_counter(), timed.seconds
    while len(engine.scheduler.running) == rows:
        engine.step()
        steps += 1
    took, computed = time.perf_counter() - began, timed.seconds - before
    while engine.scheduler.busy:
        engine.step()
    return steps, took, computed


def measure(graph: PagedGraph, timed: Timed, options: argparse.Namespace) -> list[dict[str, str]]:
    """A line for each way to choose tokens."""
    lines = []
    for name, sampling in SAMPLINGS.items():
        engine = Engine(graph, max_running=options.rows, max_batched_tokens=512)
        wanted = msgspec.structs.replace(sampling, max_tokens=options.tokens, ignore_eos=True)
        steps, took, computed = run(engine, timed, wanted, options.rows)
        lines.append(
            {
                "sampling": name,
                "rows": f"{options.rows}",
                "step ms": f"{1e3 * took / steps:.2f}",
                "of that the graph": f"{1e3 * computed / steps:.2f}",
                "Python's share": f"{1 - computed / took:.3f}",
            }
        )
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=32, help="sequences that are decoded together [32]")
    parser.add_argument("--tokens", type=int, default=128, help="tokens for each of them [128]")
    parser.add_argument("--profile", action="store_true", help="tell which functions take the time")
    options = parser.parse_args()
    graph = PagedGraph(library.ensure(catalog.DEFAULT), kv_cache=256 * 2**20)
    timed = Timed(graph._plain.request)  # noqa: SLF001 - nothing else knows when the graph computes
    graph._plain.request = timed  # noqa: SLF001
    profile = cProfile.Profile()
    if options.profile:
        profile.enable()
    lines = measure(graph, timed, options)
    profile.disable()
    print(machine())
    print_table(lines)
    print_goals([below("Python's share, greedy", WANTED, float(lines[0]["Python's share"]))])
    if options.profile:
        pstats.Stats(profile, stream=sys.stdout).sort_stats("tottime").print_stats(FUNCTIONS)


if __name__ == "__main__":
    main()
