#!/usr/bin/env python3
"""How Forebay's engine serves 1 to 128 requests at once: tokens/s and TTFT, as a table and as plots.

    python bench/serving/curve.py [--concurrency 1,2,4,8,16,32,64,128] [--rounds 2] [--plots FOLDER]

The load is that of `compare.py`. Each level asks ``rounds`` times as many requests as run at once, at least four.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.plot import Axes, Curve, svg
from bench.processes import KEY, answers, compile_forebay, running, wait_for
from bench.report import machine, print_table
from bench.serving.compare import START_PAUSE, START_SECONDS, WARM_UP, server
from bench.serving.load import Level, Load, prompts, run

LEAST = 4
ACROSS = "requests at once"


def measure(concurrencies: Sequence[int], rounds: int, tokens: int) -> list[Level]:
    """The levels of one server, one after the other."""
    one = server("forebay", argparse.Namespace(gguf=None))
    counts = [max(LEAST, rounds * each) for each in concurrencies]
    texts = iter(prompts(sum(counts) + WARM_UP))
    load = Load(one.url, KEY, tokens)
    with tempfile.TemporaryDirectory(prefix="curve-") as work, running(one, Path(work)) as process:
        wait_for(lambda: answers(f"{one.url}/v1/models"), process, START_SECONDS, START_PAUSE)
        run(load, [next(texts) for _ in range(WARM_UP)], 2)
        return [
            run(load, [next(texts) for _ in range(count)], concurrency)
            for concurrency, count in zip(concurrencies, counts, strict=True)
        ]


def plots(levels: Sequence[Level]) -> dict[str, str]:
    """The plots by the names of their files."""
    speed = Curve("tokens/s", [(each.concurrency, each.tokens_per_s) for each in levels])
    ttft = Curve("TTFT p50", [(each.concurrency, each.ttft_p50_ms / 1e3) for each in levels])
    return {
        "engine-tokens.svg": svg(Axes("Output tokens a second, all users together", ACROSS, "tokens/s"), [speed]),
        "engine-ttft.svg": svg(Axes("Time to first token, half of all users", ACROSS, "seconds"), [ttft]),
    }


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--concurrency", default="1,2,4,8,16,32,64,128", help="requests at once")
    parser.add_argument("--rounds", type=int, default=2, help="requests of a level, in units of those at once [2]")
    parser.add_argument("--tokens", type=int, default=128, help="tokens of an answer [128]")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="where to put the plots")
    options = parser.parse_args()
    compile_forebay()
    levels = measure([int(each) for each in options.concurrency.split(",")], options.rounds, options.tokens)
    print(machine())
    print_table(
        [
            {
                "at once": f"{each.concurrency}",
                "requests": f"{each.requests}",
                "tokens/s": f"{each.tokens_per_s:.1f}",
                "tokens/s each": f"{1e3 / each.tpot_p50_ms:.1f}",
                "ttft p50 ms": f"{each.ttft_p50_ms:.0f}",
                "tpot p50 ms": f"{each.tpot_p50_ms:.1f}",
            }
            for each in levels
        ]
    )
    if options.plots:
        for name, drawn in plots(levels).items():
            (options.plots / name).write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
