#!/usr/bin/env python3
"""What a watermark costs: tokens/s of the engine, time for a step of a logits processor, time to detect.

    python bench/watermark_cost.py                 # the engine, and the detector
    python bench/watermark_cost.py --processors    # where torch and transformers are: ours beside theirs

The engine answers the same requests with and without a mark by turns, so that other work on the machine falls on both.
"""

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Callable

from forebay.core.marks import SchemeName
from forebay.core.ports import Provider
from forebay.core.types import Call, Deployment, Operation, Principal, Request, Trace
from forebay.settings import WatermarkSettings
from forebay.watermark.detector import Hypothesis, detect
from forebay.watermark.keyring import KeyRing, Parameters, scheme_of
from forebay.watermark.marks import Mark

SECRETS: dict[SchemeName, str] = {
    "keyed": "a secret of the benchmark",
    "kgw-lefthash": "15485863",
    "hf-selfhash": "15485863",
}
BATCHES = (1, 8, 32)
TOKENS, ROUNDS = 48, 7
VOCABULARY, STEPS = 49152, 20


async def seconds(provider: Provider, batch: int) -> float:
    """The time that so many completions at once take."""
    body = {"prompt": "A short history of bridges.\n\n", "max_tokens": TOKENS, "min_tokens": TOKENS, "temperature": 1.0}
    request = Request(Operation.COMPLETION, "m", json.dumps(body | {"top_p": 1.0}).encode())
    start = time.perf_counter()
    calls = [Call("bench", request, Principal("bench"), Trace(start)) for _ in range(batch)]
    await asyncio.gather(*(provider.answer(call, Deployment("m", "engine", "m")) for call in calls))
    return time.perf_counter() - start


async def engine() -> None:
    """Tokens/s with a mark and without, by turns."""
    from forebay.engine.options import EngineSettings  # noqa: PLC0415  # where torch is, there may be no OpenVINO
    from forebay.engine.provider import EngineProvider  # noqa: PLC0415

    provider = EngineProvider(EngineSettings(prefix_cache="off"))
    await provider.start()
    mark = Mark(KeyRing(SECRETS), WatermarkSettings(key="keyed"))
    try:
        for batch in BATCHES:
            await seconds(provider, batch)
            ratios, plain, marked = [], [], []
            for turn in range(ROUNDS):
                for how in (None, mark) if turn % 2 else (mark, None):
                    provider.mark_with(how)
                    (plain if how is None else marked).append(await seconds(provider, batch))
                ratios.append(marked[-1] / plain[-1])
            row = {
                "batch": batch,
                "tokens/s plain": round(batch * TOKENS / min(plain)),
                "tokens/s marked": round(batch * TOKENS / min(marked)),
                "cost of the best": f"{min(marked) / min(plain) - 1:.1%}",
                "median cost": f"{statistics.median(ratios) - 1:.1%}",
            }
            print(json.dumps(row), flush=True)
    finally:
        await provider.close()


def detector() -> None:
    """The time to test 1,000 tokens, for a key that is used for the first time and after that."""
    tokens = random.Random(1).choices(range(VOCABULARY), k=1000)
    for name in ("keyed", "kgw-lefthash"):
        times = []
        for number in range(9):
            secret = f"{SECRETS[name]}{number}"
            scheme = scheme_of(secret, Parameters(name, 0.25, None, VOCABULARY))
            times.append(timed(lambda scheme=scheme, name=name: detect(tokens, [Hypothesis("", name, scheme)])))
        print(json.dumps({"detect 1,000 tokens": name, "ms": round(statistics.median(times), 2)}), flush=True)


def processors() -> None:
    """A step of our processor for transformers, and of theirs."""
    import torch  # noqa: PLC0415  # only here
    from transformers import WatermarkLogitsProcessor  # noqa: PLC0415

    from forebay.watermark.transformers import WatermarkProcessor  # noqa: PLC0415

    torch.set_num_threads(2)
    for batch in BATCHES:
        steps = [torch.randint(0, VOCABULARY, (batch, 32)) for _ in range(STEPS)]
        scores = torch.randn(batch, VOCABULARY)
        row: dict[str, object] = {"batch": batch}
        for name, secret in SECRETS.items():
            processor = WatermarkProcessor(scheme_of(secret, Parameters(name, 0.25, None, VOCABULARY)))
            row[f"{name} ms"] = each(processor, steps, scores)
        for theirs, width in (("lefthash", 1), ("selfhash", 4)):
            other = WatermarkLogitsProcessor(VOCABULARY, "cpu", 0.25, 2.0, 15485863, theirs, width)
            row[f"transformers {theirs} ms"] = each(other, steps, scores)
        print(json.dumps(row), flush=True)


def each(processor: Callable[..., object], steps: list[object], scores: object) -> float:
    """The median milliseconds of a step; every one has other contexts."""
    processor(steps[0], scores)
    return round(statistics.median(timed(lambda tokens=tokens: processor(tokens, scores)) for tokens in steps[1:]), 2)


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def main() -> None:
    """Measure what is asked for."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--processors", action="store_true")
    if arguments.parse_args().processors:
        processors()
        return
    detector()
    asyncio.run(engine())


if __name__ == "__main__":
    main()
