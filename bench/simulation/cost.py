"""What a million tokens cost, from the price of a core for an hour: arithmetic over what the simulation found."""

import math

from bench.report import Cells
from bench.simulation import shared
from bench.simulation.measured import Measured
from bench.simulation.users import HOURS, Habits, peak

PRICE = 0.04
"""US dollars for a core and an hour, a usual price of clouds."""
USERS = (10_000, 100_000, 1_000_000)
CAPACITY = {"least-busy": 0.75, "prefix-aware": 1.5, "sticky": 1.75}
"""Turns a second that an engine takes with a p95 of TTFT below two seconds: of the part `load`."""
REDIS, POSTGRESQL = 1, 2
"""Cores that are set aside for them, however little of them is used."""


def engines(strategy: str, rate: float) -> int:
    """Engines for so many turns a second."""
    return max(1, math.ceil(rate / CAPACITY[strategy]))


def costs(figures: Measured) -> list[Cells]:
    """By users and strategy: as many engines as the peak needs all day, or as many as each hour needs."""
    habits = Habits()
    rows: list[Cells] = []
    for users in USERS:
        mean = users * habits.sessions_a_day * habits.turns / 86_400
        others = shared.gateways(figures, mean * peak()) + REDIS + POSTGRESQL
        millions = mean * 86_400 * habits.answer / 1e6
        for strategy in CAPACITY:
            most = engines(strategy, mean * peak())
            hours = sum(engines(strategy, habits.rate(users, hour)) for hour in range(HOURS))
            fixed, scaled = (
                (engine_hours * figures.engine.cores + HOURS * others) * PRICE for engine_hours in (most * HOURS, hours)
            )
            rows.append(
                {
                    "users": f"{users:,}",
                    "strategy": strategy,
                    "turns/s, mean": f"{mean:.1f}",
                    "peak": f"{mean * peak():.1f}",
                    "engines": f"{most}",
                    "other cores": f"{others}",
                    "$/day": f"{fixed:.0f}",
                    "$/million output tokens": f"{fixed / millions:.2f}",
                    "engines by the hour": f"{scaled / millions:.2f}",
                }
            )
    return rows
