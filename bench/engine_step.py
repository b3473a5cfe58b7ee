#!/usr/bin/env python3
"""What the embedded engine costs beside its graph: steps of the graph alone, then whole requests in this process.

    python bench/engine_step.py [--model smollm2] [--threads 2] [--concurrency 1,8,32] [--requests 4,16,64]

The requests are those of the serving bench (prompts of about 128 tokens, 128 output tokens, greedy, ignore_eos,
streamed completions), without HTTP. One line of JSON each: for the graph the time of a decode step, for the requests
output tokens/s and the p50 of TTFT and TPOT, with the share of the time that the graph's own steps would explain.
"""

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path

from forebay.core.types import Call, Deployment, Operation, Principal, Request, Stream, Trace
from forebay.engine import library
from forebay.engine.blocks import blocks_for
from forebay.engine.graph import PagedGraph, Row
from forebay.engine.options import EngineSettings
from forebay.engine.provider import EngineProvider

PROMPT, OUTPUT = 128, 128
WORDS = ["river", "market", "engine", "quiet", "harbour", "letter", "garden", "winter", "signal", "bridge", "copper"]


def graph_steps(graph: PagedGraph, rows: int) -> tuple[float, float]:
    """Seconds of the prefill of one prompt (in a batch of eight) and of a decode step, the median."""
    pick = random.Random(7)
    each = blocks_for(PROMPT + OUTPUT)
    tables = [range(1 + row * each, 1 + (row + 1) * each) for row in range(rows)]
    start = time.perf_counter()
    for first in range(0, rows, 8):
        graph.step([Row(pick.choices(range(17, 40000), k=PROMPT), 0, table) for table in tables[first : first + 8]])
    prefill = (time.perf_counter() - start) / rows
    times = []
    for past in range(PROMPT, PROMPT + OUTPUT, 4):
        batch = [Row([pick.randrange(17, 40000)], past, table) for table in tables]
        start = time.perf_counter()
        graph.step(batch)
        times.append(time.perf_counter() - start)
    return prefill, statistics.median(times)


async def request(provider: EngineProvider, prompt: str, extra: dict[str, object]) -> tuple[float, float]:
    """One streamed completion: its TTFT and TPOT."""
    body = {"prompt": prompt, "max_tokens": OUTPUT, "temperature": 0, "ignore_eos": True, "stream": True, **extra}
    asked = Request(Operation.COMPLETION, "m", json.dumps(body).encode(), stream=True, include_usage=True)
    call = Call("bench", asked, Principal("bench"), Trace(time.perf_counter()))
    start = time.perf_counter()
    reply = await provider.answer(call, Deployment("m", "engine", "m"))
    assert isinstance(reply, Stream)
    first = last = time.perf_counter()
    async with aclosing(reply.events) as events:
        async for _event in events:
            last = time.perf_counter()
    assert call.trace.usage is not None
    assert call.trace.usage.completion_tokens == OUTPUT
    return first - start, (last - first) / (OUTPUT - 1)


async def level(
    provider: EngineProvider, concurrency: int, prompts: Sequence[str], extra: dict[str, object]
) -> dict[str, float]:
    """All ``prompts``, so many at once."""
    results: list[tuple[float, float]] = []
    todo: Iterator[str] = iter(prompts)

    async def worker() -> None:
        for prompt in todo:
            results.append(await request(provider, prompt, extra))  # noqa: PERF401 - it is awaited

    start = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    wall = time.perf_counter() - start
    return {
        "tokens_per_s": round(len(prompts) * OUTPUT / wall, 1),
        "ttft_p50_ms": round(1e3 * statistics.median(ttft for ttft, _ in results), 1),
        "tpot_p50_ms": round(1e3 * statistics.median(tpot for _, tpot in results), 2),
    }


def written(count: int) -> list[str]:
    """Prompts, all different."""
    pick = random.Random(7)
    return [f"Write a story that uses these words: {' '.join(pick.choices(WORDS, k=112))}." for _ in range(count)]


async def main() -> None:
    """Measure what the options say."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", default="smollm2")
    options.add_argument("--threads", type=int, default=None)
    options.add_argument("--concurrency", default="1,8,32")
    options.add_argument("--requests", default="4,16,64")
    options.add_argument("--max-batched-tokens", type=int, default=EngineSettings().max_batched_tokens)
    options.add_argument("--extra", type=json.loads, default={}, help='more fields of the body, such as {"seed": 1}')
    chosen = options.parse_args()
    levels = [int(each) for each in chosen.concurrency.split(",")]
    counts = [int(each) for each in chosen.requests.split(",")]
    graph = PagedGraph(Path(library.ensure(chosen.model)), kv_cache=256 * 2**20, threads=chosen.threads)
    alone = {}
    for rows in levels:
        prefill, step = graph_steps(graph, rows)
        alone[rows] = rows * OUTPUT / (rows * prefill + OUTPUT * step)
        print(json.dumps({"rows": rows, "prefill_ms": round(1e3 * prefill, 1), "step_ms": round(1e3 * step, 2)}))
    del graph
    settings = EngineSettings(model=chosen.model, threads=chosen.threads, max_batched_tokens=chosen.max_batched_tokens)
    provider = EngineProvider(settings)
    await provider.start()
    await level(provider, 2, written(4)[2:], {})
    for concurrency, count in zip(levels, counts, strict=True):
        found = await level(provider, concurrency, written(count), chosen.extra)
        share = round(found["tokens_per_s"] / alone[concurrency], 3)
        print(json.dumps({"concurrency": concurrency, "requests": count, **found, "of_the_graph_alone": share}))
    await provider.close()


if __name__ == "__main__":
    asyncio.run(main())
