#!/usr/bin/env python3
"""How long `/metrics` takes with 50 models of two deployments, guards, and requests of 1,000 keys; the goal is 20 ms.

python bench/metrics_page.py
"""

import tempfile
import time
from pathlib import Path

import msgspec

from forebay.core.types import Attempt, Record
from forebay.figures import Figures
from forebay.generation import around
from forebay.meter.journal import Journal
from forebay.settings import Settings

MODELS, KEYS, ROUNDS, GOAL = 50, 1000, 50, 0.020

PLAIN = Record(
    *("r", 0.0, "key", "t", "chat/completions", "m", "d", 200, "ok", True, 9, 9),
    *(0.5, 0.1, 0.01, 0.0, 0.4, 0.001),
)


def records() -> list[Record]:
    """Requests of every key at every model's two deployments, of five kinds of ends."""
    ends = (
        (200, "ok", "miss"),
        (200, "ok", "hit"),
        (429, "error", ""),
        (502, "error", "miss"),
        (499, "aborted", "miss"),
    )
    tried = (Attempt("m", "a", "first", 0.0, 0.1, "upstream_error"), Attempt("m", "b", "next", 0.1, 0.2, "ok"))
    return [
        msgspec.structs.replace(
            PLAIN,
            principal=f"key-{number}",
            model=f"model-{number % MODELS}",
            deployment=f"provider-{number // MODELS % 2}/model-{number % MODELS}",
            status=ends[number % 5][0],
            outcome=ends[number % 5][1],
            cache=ends[number % 5][2],
            attempts=tried if number % 7 == 0 else (),
        )
        for number in range(KEYS * 10)
    ]


def measured(folder: Path | None) -> tuple[float, int]:
    """The median of the seconds, and the length of the page."""
    current = around(Settings(), {})
    figures = Figures(lambda: current, folder, dict)
    journal = Journal(figures.sinks)
    for record in records():
        journal.record(record)
    journal.flush()
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        page = figures.text(journal)
        took.append(time.perf_counter() - began)
    return sorted(took)[ROUNDS // 2], len(page)


def main() -> int:
    """Print both figures; the status is 1 where one is beyond the goal."""
    with tempfile.TemporaryDirectory() as folder:
        found = {"one process": measured(None), "in a shared folder": measured(Path(folder))}
    for name, (seconds, length) in found.items():
        print(f"{name}: {seconds * 1000:.1f} ms, {length / 1024:.0f} KiB")
    return int(any(seconds > GOAL for seconds, _ in found.values()))


if __name__ == "__main__":
    raise SystemExit(main())
