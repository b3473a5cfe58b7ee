"""How a comparison is told: a table, Forebay's goals, and the same as JSON."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Cells = Mapping[str, str]
"""A line of a table, by its headings."""


@dataclass(frozen=True)
class Goal:
    """What Forebay wants to reach, and what was measured: ``None`` if nothing was."""

    name: str
    wanted: str
    measured: str | None
    met: bool


def at_least(name: str, wanted: float, measured: float | None, unit: str = "") -> Goal:
    """A goal of which more is better."""
    return Goal(name, f">= {wanted:g}{unit}", _shown(measured, unit), measured is not None and measured >= wanted)


def below(name: str, wanted: float, measured: float | None, unit: str = "") -> Goal:
    """A goal of which less is better."""
    return Goal(name, f"< {wanted:g}{unit}", _shown(measured, unit), measured is not None and measured < wanted)


def ratio(value: float | None, other: float | None) -> float | None:
    """``value`` in units of ``other``, if there are both."""
    return value / other if value is not None and other else None


def times(value: float | None, other: float | None) -> str:
    """The same for a table."""
    found = ratio(value, other)
    return "-" if found is None else f"{found:.3f}" if found < 10 else f"{found:.1f}"


def missed(goals: Sequence[Goal]) -> bool:
    """Whether something was measured that is not enough."""
    return any(goal.measured is not None and not goal.met for goal in goals)


def print_table(rows: Sequence[Cells]) -> None:
    """Print rows of equal headings, the first column to the left and the others to the right."""
    if not rows:
        return
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for first, *others in lines:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        print("  ".join(cells))


def print_goals(goals: Sequence[Goal]) -> None:
    """Print each goal with what was measured and whether that is enough."""
    if not goals:
        return
    print()
    print_table(
        [
            {
                "Forebay's goal": goal.name,
                "wanted": goal.wanted,
                "measured": goal.measured or "-",
                "": "not measured" if goal.measured is None else "met" if goal.met else "MISSED",
            }
            for goal in goals
        ]
    )


def machine() -> str:
    """What this runs on."""
    models = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    cpu = models[0] if models else platform.machine()
    return f"{cpu}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def write(file: Path, rows: Sequence[Any], goals: Sequence[Goal]) -> None:
    """Write everything that was measured; ``rows`` are dataclasses."""
    content = {
        "machine": machine(),
        "rows": [asdict(row) for row in rows],
        "goals": [asdict(goal) for goal in goals],
    }
    file.write_text(json.dumps(content, indent=2) + "\n")


def _shown(measured: float | None, unit: str) -> str | None:
    return None if measured is None else f"{measured:.4g}{unit}"
