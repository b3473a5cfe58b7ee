"""Many engines behind several gateways, and people who chat: event by event, each request by itself.

It begins in the middle: sessions are there with their past, and what an engine could have of it is in its prefix cache.
Then some minutes pass that do not count, and some that do. A gateway's own work takes no time here: it is a
thousandth of a request's; its capacity is arithmetic (`shared`).
"""

import random
from dataclasses import dataclass

import msgspec
import numpy as np
import simpy

from bench.simulation.engine import Engine, Job
from bench.simulation.measured import EngineFigures
from bench.simulation.routing import ROUTERS, Router
from bench.simulation.users import Crowd, Habits, Turn

SECONDS_OF_AN_ANSWER = 8.0
"""About what an answer takes: with the pauses it says how many sessions there are at the beginning."""


class Plan(msgspec.Struct, frozen=True):
    """What is simulated: ``rate`` turns a second of all users together, seconds that do not count and that do."""

    engines: int
    rate: float
    strategy: str = "least-busy"
    gateways: int = 1
    kv_mib: int = 2048
    warm: float = 120
    counted: float = 180
    habits: Habits = Habits()
    seed: int = 1


@dataclass(frozen=True)
class Outcome:
    """Seconds by percentile, what of prompts was cached, and what was answered in the seconds that count."""

    ttft_p50: float
    ttft_p95: float
    ttft_p99: float
    latency_p50: float
    latency_p95: float
    tpot_p50: float
    prefix_hits: float
    requests: int
    output_tokens_per_s: float
    asked_per_s: float


class Fleet:
    """The parts of one simulation."""

    def __init__(self, plan: Plan, figures: EngineFigures) -> None:
        self.environment = simpy.Environment()
        self._plan = plan
        self._crowd = Crowd(plan.habits, plan.seed)
        self._random = random.Random(plan.seed)
        tokens = figures.limits.kv_tokens_per_256_mib * plan.kv_mib // 256
        self._engines = [
            Engine(self.environment, figures, tokens, shared=plan.habits.system) for _ in range(plan.engines)
        ]
        make = ROUTERS[plan.strategy]
        self._routers = [make(plan.engines, plan.seed + number) for number in range(plan.gateways)]
        self._sessions = 0
        self._jobs: list[Job] = []
        self._came = 0

    def run(self) -> Outcome:
        """All of it."""
        plan = self._plan
        self._fill()
        self._arrive()
        self.environment.run(until=plan.warm)
        before = self._prefix_tokens()
        self._jobs, self._came = [], 0
        self.environment.run(until=plan.warm + plan.counted)
        asked, found = (after - then for after, then in zip(self._prefix_tokens(), before, strict=True))
        return self._outcome(found / asked)

    def _prefix_tokens(self) -> tuple[int, int]:
        prefixes = [each.prefixes for each in self._engines]
        return sum(each.asked for each in prefixes), sum(each.found for each in prefixes)

    def _fill(self) -> None:
        """Have the sessions there that are there at any time."""
        habits = self._plan.habits
        lasts = (habits.turns - 1) * habits.pause + habits.turns * SECONDS_OF_AN_ANSWER
        pausing = self._plan.rate / habits.turns * lasts * habits.pause / (habits.pause + SECONDS_OF_AN_ANSWER)
        for _ in range(round(pausing)):
            session, history = self._new(), self._plan.habits.system
            router = self._gateway()
            for turn in self._crowd.past():
                history += sum(turn)
            engine = router.pick(session, history)
            router.ended(engine)
            self._engines[engine].prefixes.keep(session, history)
            self._after(self._crowd.pause(), session, history)

    def _arrive(self) -> None:
        """One session after the other, by chance."""
        wait = self.environment.timeout(self._crowd.between(self._plan.rate / self._plan.habits.turns))
        wait.callbacks.append(self._came_in)

    def _came_in(self, _: simpy.Event) -> None:
        self._ask(self._new(), self._plan.habits.system)
        self._arrive()

    def _after(self, seconds: float, session: int, history: int) -> None:
        wait = self.environment.timeout(seconds)
        wait.callbacks.append(lambda _: self._ask(session, history))

    def _new(self) -> int:
        self._sessions += 1
        return self._sessions

    def _gateway(self) -> Router:
        """A balancer of connections knows nothing of sessions."""
        return self._routers[self._random.randrange(len(self._routers))]

    def _ask(self, session: int, history: int) -> None:
        turn: Turn = self._crowd.turn()
        prompt, router = history + turn.question, self._gateway()
        engine = router.pick(session, prompt)

        def done(job: Job) -> None:
            router.ended(engine)
            self._jobs.append(job)
            if self._crowd.goes_on():
                self._after(self._crowd.pause(), session, prompt + turn.answer)

        self._came += 1
        self._engines[engine].submit(Job(session, prompt, turn.answer, done))

    def _outcome(self, hits: float) -> Outcome:
        jobs, seconds = self._jobs, self._plan.counted
        ttft = np.quantile([job.first - job.came for job in jobs], (0.5, 0.95, 0.99))
        latency = np.quantile([job.ended - job.came for job in jobs], (0.5, 0.95))
        tpot = np.median([(job.ended - job.first) / (job.answer - 1) for job in jobs if job.answer > 1])
        return Outcome(
            ttft_p50=float(ttft[0]),
            ttft_p95=float(ttft[1]),
            ttft_p99=float(ttft[2]),
            latency_p50=float(latency[0]),
            latency_p95=float(latency[1]),
            tpot_p50=float(tpot),
            prefix_hits=hits,
            requests=len(jobs),
            output_tokens_per_s=sum(job.answer for job in jobs) / seconds,
            asked_per_s=self._came / seconds,
        )


def simulate(plan: Plan, figures: EngineFigures) -> Outcome:
    """What comes of ``plan``."""
    return Fleet(plan, figures).run()
