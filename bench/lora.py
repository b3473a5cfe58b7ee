#!/usr/bin/env python3
"""What LoRA adapters cost: decode steps of the default model without them, and with some of them in the batch.

    python bench/lora.py [--adapters 4] [--rank 8] [--targets q_proj,v_proj] [--rounds 30] [--rows 1,8,32]

Both kinds of steps take turns, so that whatever else the machine does concerns all of them. One line of JSON for each
number of rows: the median step in milliseconds, and the share of the throughput without adapters that is kept.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from forebay.engine import catalog, library, peft
from forebay.engine.adapter import Adapter
from forebay.engine.batch import Row
from forebay.engine.blocks import blocks_for
from forebay.engine.graph import PagedGraph
from tests.support import lora

PROMPT = 128
WARM = 3


def made(count: int, rank: int, targets: list[str], graph: PagedGraph) -> list[Adapter]:
    """Adapters with random weights."""
    found = []
    for seed in range(count):
        with tempfile.TemporaryDirectory() as folder:
            weights = lora.tensors(graph.modules, seed, rank=rank, targets=targets, scale=0.05)
            lora.write(Path(folder), weights, rank=rank, targets=targets)
            found.append(peft.read(Path(folder), f"a{seed}", seed, graph.modules, rank))
    return found


def measured(graph: PagedGraph, rows: int, adapters: list[Adapter], rounds: int) -> dict[str, object]:
    """The median step, in milliseconds, for so many rows without an adapter, and with them in turn."""
    pick = random.Random(7)
    tables = [range(1 + row * 6, 7 + row * 6) for row in range(rows)]
    kinds: dict[int, list[Adapter | None]] = {0: [None], len(adapters): [*adapters]}
    times: dict[int, list[float]] = {kind: [] for kind in kinds}
    for table in tables:
        graph.step([Row(pick.choices(range(17, 40000), k=PROMPT), 0, table)])
    for past in range(PROMPT, PROMPT + min(rounds, 6 * 32 - PROMPT)):
        for kind, given in kinds.items():
            batch = [
                Row([pick.randrange(17, 40000)], past, table, given[row % len(given)])
                for row, table in enumerate(tables)
            ]
            for again in range(WARM):
                start = time.perf_counter()
                graph.step(batch)
                if again:
                    times[kind].append(time.perf_counter() - start)
    medians = {kind: statistics.median(each) for kind, each in times.items()}
    return {
        "rows": rows,
        "step_ms": {kind: round(1e3 * each, 1) for kind, each in medians.items()},
        "kept": {kind: round(medians[0] / each, 2) for kind, each in medians.items()},
    }


def main() -> None:
    """Measure what the options say."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--adapters", type=int, default=4)
    options.add_argument("--rank", type=int, default=8)
    options.add_argument("--targets", default=",".join(lora.ALL))
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--rows", default="1,8,32")
    chosen = options.parse_args()
    targets = chosen.targets.split(",")
    rows = [int(each) for each in chosen.rows.split(",")]
    cache = (6 * max(rows) + 1) * blocks_for(32) * 2 * 2**20
    graph = PagedGraph(Path(library.ensure(catalog.DEFAULT)), kv_cache=cache, precision="f32")
    adapters = made(chosen.adapters, chosen.rank, targets, graph)
    graph.prepare(frozenset(targets))
    for count in rows:
        print(json.dumps(measured(graph, count, adapters, chosen.rounds)), flush=True)


if __name__ == "__main__":
    main()
