#!/usr/bin/env python3
"""What a fleet would do that is larger than the machine at hand: tables, and plots for `docs/capacity.md`.

    python -m bench.simulation.run [--only check,load,...] [--seed 1] [--plots docs/plots]

Every part takes less than half a minute. The same seed gives the same tables. It ends with 1 if the simulated engine is
not like the measured one.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.plot import Axes, Curve, svg
from bench.report import Cells, Goal, below, missed, print_goals, print_table
from bench.simulation import check, shared
from bench.simulation.cost import costs
from bench.simulation.fleet import Outcome, Plan, simulate
from bench.simulation.measured import Measured, measured
from bench.simulation.routing import ROUTERS
from bench.simulation.users import HOURS, Habits

TOKENS_ERROR, TTFT_ERROR = 0.12, 0.25
CHECKED = (1, 8, 32)
SAMPLE = 16
LOADS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
LOAD = 1.25
SCALES = ((10, 1), (100, 1), (100, 10), (1000, 10))
MEMORY = (256, 512, 1024, 2048, 4096)
USERS, SHARE, ENGINES_OF_SHARE = 1_000_000, 10, 25
RATES = (310, 1000, 3000, 5000, 7000, 9000)
PLOTTED = ("least-busy", "sticky", "prefix-aware")

Plots = dict[str, str]


def shown(outcome: Outcome) -> dict[str, str]:
    """The figures that all tables of fleets have."""
    return {
        "TTFT p50 s": f"{outcome.ttft_p50:.2f}",
        "p95 s": f"{outcome.ttft_p95:.2f}",
        "p99 s": f"{outcome.ttft_p99:.2f}",
        "answer p50 s": f"{outcome.latency_p50:.1f}",
        "p95 s ": f"{outcome.latency_p95:.1f}",
        "TPOT p50 ms": f"{1e3 * outcome.tpot_p50:.0f}",
        "prefix hits": f"{outcome.prefix_hits:.2f}",
        "requests": f"{outcome.requests}",
    }


def compared(figures: Measured, seed: int) -> tuple[list[Cells], list[Goal]]:
    """The simulated engine beside the measured one."""
    rows: list[Cells] = []
    goals = []
    for run in (figures.engine.curve, figures.engine.again.curve):
        for level in run:
            point = check.typical(figures.engine, level.at_once, level.requests, seed=seed)
            error = check.error(level, point)
            rows.append(
                {
                    "at once": f"{level.at_once}",
                    "tokens/s measured": f"{level.tokens_per_s:.0f}",
                    "simulated": f"{point.tokens_per_s:.0f}",
                    "error": f"{error.tokens_per_s:+.0%}",
                    "TTFT p50 ms measured": f"{level.ttft_p50_ms:.0f}",
                    "simulated ": f"{point.ttft_p50_ms:.0f}",
                    "error ": f"{error.ttft:+.0%}",
                }
            )
            if level.at_once in CHECKED:
                goals.append(below(f"error of tokens/s at {level.at_once}", TOKENS_ERROR, abs(error.tokens_per_s)))
                goals.append(below(f"error of TTFT at {level.at_once}", TTFT_ERROR, abs(error.ttft)))
    return rows, goals


def load(figures: Measured, seed: int, plots: Plots) -> list[Cells]:
    """By requests a second for each engine, and by strategy."""
    rows: list[Cells] = []
    curves = {name: list[tuple[float, float]]() for name in ROUTERS}
    for rate in LOADS:
        for name in ROUTERS:
            plan = Plan(SAMPLE, rate * SAMPLE, name, gateways=2, warm=60, seed=seed)
            outcome = simulate(plan, figures.engine)
            curves[name].append((rate, outcome.ttft_p95))
            rows.append({"turns/s an engine": f"{rate:g}", "strategy": name, **shown(outcome)})
    axes = Axes("Time to first token, p95, simulated", "turns a second for each engine", "seconds")
    plots["fleet-ttft"] = svg(axes, [Curve(name, curves[name]) for name in PLOTTED])
    return rows


def scale(figures: Measured, seed: int, plots: Plots) -> list[Cells]:  # noqa: ARG001 - a part's form
    """By engines and gateways, each engine with the same load."""
    rows: list[Cells] = []
    for engines, gateways in SCALES:
        for name in PLOTTED:
            warm, counted = (15, 20) if engines > 100 else (30, 90)
            plan = Plan(engines, engines * LOAD, name, gateways, warm=warm, counted=counted, seed=seed)
            outcome = simulate(plan, figures.engine)
            rows.append({"engines": f"{engines}", "gateways": f"{gateways}", "strategy": name, **shown(outcome)})
    return rows


def memory(figures: Measured, seed: int, plots: Plots) -> list[Cells]:
    """By the size of an engine's cache of keys and values."""
    rows: list[Cells] = []
    curves = {name: list[tuple[float, float]]() for name in ROUTERS}
    for mib in MEMORY:
        for name in ROUTERS:
            plan = Plan(SAMPLE, LOAD * SAMPLE, name, gateways=2, kv_mib=mib, warm=60, seed=seed)
            outcome = simulate(plan, figures.engine)
            curves[name].append((mib, outcome.prefix_hits))
            rows.append({"kv_cache MiB": f"{mib}", "strategy": name, **shown(outcome)})
    axes = Axes("Tokens of prompts that were in the prefix cache, simulated", "kv_cache of an engine, MiB", "share")
    plots["fleet-prefixes"] = svg(axes, [Curve(name, curves[name]) for name in PLOTTED])
    return rows


def day(figures: Measured, seed: int, plots: Plots) -> list[Cells]:  # noqa: ARG001 - a part's form
    """Every third hour of a million users, by a tenth of them on a tenth of the engines."""
    rows: list[Cells] = []
    habits = Habits()
    for hour in range(0, HOURS, 3):
        rate = habits.rate(USERS / SHARE, hour)
        plan = Plan(ENGINES_OF_SHARE, rate, "prefix-aware", gateways=1, warm=60, seed=seed + hour)
        outcome = simulate(plan, figures.engine)
        rows.append({"hour": f"{hour}", "turns/s of all": f"{rate * SHARE:.0f}", **shown(outcome)})
    return rows


def stores(figures: Measured, seed: int, plots: Plots) -> list[Cells]:
    """Redis, PostgreSQL and gateways by requests a second."""
    rows: list[Cells] = []
    curve = []
    for rate in RATES:
        hits = shared.exact_hits(shared.Repeats(), rate)
        service = shared.redis_seconds(figures.redis, hits)
        redis = shared.redis_wait(service, rate, seconds=10, seed=seed)
        count = shared.gateways(figures, rate)
        ledger = shared.ledger(figures.postgresql, rate, count)
        curve.append((rate, 1e3 * redis.p99))
        rows.append(
            {
                "requests/s": f"{rate}",
                "exact hits": f"{hits:.3f}",
                "gateway cores": f"{count}",
                "Redis busy": f"{redis.load:.2f}",
                "wait, formula ms": f"{1e3 * shared.mean_wait(service, rate):.2f}",
                "simulated ms": f"{1e3 * redis.mean:.2f}",
                "p99 ms": f"{1e3 * redis.p99:.2f}",
                "rows a transaction": f"{ledger.rows:.0f}",
                "PostgreSQL cores": f"{ledger.cores:.2f}",
                "a gateway delivers": f"{ledger.delivering:.2f}",
            }
        )
    axes = Axes("Waiting for one Redis, p99, simulated", "requests a second of all gateways", "milliseconds")
    plots["fleet-redis"] = svg(axes, [Curve("Redis", curve)])
    return rows


PARTS: Mapping[str, Callable[[Measured, int, Plots], list[Cells]]] = {
    "load": load,
    "scale": scale,
    "memory": memory,
    "day": day,
    "stores": stores,
    "cost": lambda figures, _seed, _plots: costs(figures),
}


def main() -> int:
    """Everything that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(("check", *PARTS)), help="parts, by comma [all]")
    parser.add_argument("--seed", type=int, default=1, help="where chance begins [1]")
    parser.add_argument("--plots", type=Path, help="write the plots into this folder")
    options = parser.parse_args()
    figures, plots, goals = measured(), Plots(), list[Goal]()
    for name in options.only.split(","):
        print(f"\n{name}")
        if name == "check":
            rows, goals = compared(figures, options.seed)
            print_table(rows)
        else:
            print_table(PARTS[name](figures, options.seed, plots))
    print_goals(goals)
    if options.plots:
        for name, text in plots.items():
            (options.plots / f"{name}.svg").write_text(text, encoding="utf-8")
    return int(missed(goals))


if __name__ == "__main__":
    sys.exit(main())
