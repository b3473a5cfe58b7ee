#!/usr/bin/env python3
"""How long `import forebay` takes in a fresh interpreter: the best of several, with everything compiled before.

python bench/gateway/imports.py [--runs 10]
"""

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.processes import compile_forebay
from bench.report import Goal, below, print_goals

WANTED_SECONDS = 0.3
RUNS = 10

TIME_IMPORT = """
import time
start = time.perf_counter()
import forebay
print(time.perf_counter() - start)
"""


def import_goal(runs: int = RUNS) -> Goal:
    """The best of ``runs``, against what is wanted."""
    compile_forebay()
    return below("import forebay", WANTED_SECONDS, min(_import_seconds() for _ in range(runs)), " s")


def _import_seconds() -> float:
    command = [sys.executable, "-c", TIME_IMPORT]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=RUNS)
    print_goals([import_goal(arguments.parse_args().runs)])


if __name__ == "__main__":
    main()
