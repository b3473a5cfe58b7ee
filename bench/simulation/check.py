"""Whether the simulated engine is like the real one: the same load, the measured points beside the simulated ones.

Measured are the steps (the time from token to token) and the time of a token of a prompt. What comes of them when
requests share steps and wait for places - tokens a second and the time to the first - is what is checked.
"""

import random
import statistics
from dataclasses import dataclass

import simpy

from bench.simulation.engine import Engine, Job
from bench.simulation.measured import EngineFigures, Level

RUNS = 11
PROMPT, ANSWER = 128, 128
SPREAD = 8
"""Prompts of the load have about 128 tokens."""
STAGGER = 0.02
"""Seconds within which a client opens its connections."""


@dataclass(frozen=True)
class Point:
    """A simulated level."""

    at_once: int
    tokens_per_s: float
    ttft_p50_ms: float
    tpot_p50_ms: float


@dataclass(frozen=True)
class Error:
    """The shares by which a simulated level differs from the measured one."""

    tokens_per_s: float
    ttft: float


def kv_tokens(figures: EngineFigures, mib: int) -> int:
    """What a cache of so many MiB holds."""
    return figures.limits.kv_tokens_per_256_mib * mib // 256


def closed_loop(figures: EngineFigures, at_once: int, requests: int, *, engines: int = 1, seed: int = 1) -> Point:
    """The load of `bench/serving/curve.py`: whoever has an answer sends the next request at once, until all are sent.

    Several engines get them as `least-busy` deals them out.
    """
    environment, pick = simpy.Environment(), random.Random(seed)
    pool = [Engine(environment, figures, kv_tokens(figures, 256)) for _ in range(engines)]
    running, ended, left = [0] * engines, list[Job](), iter(range(requests))

    def send() -> None:
        if (number := next(left, None)) is not None:
            place = running.index(min(running))
            running[place] += 1
            prompt = pick.randint(PROMPT - SPREAD, PROMPT + SPREAD)
            pool[place].submit(Job(number, prompt, ANSWER, lambda job: done(place, job)))

    def done(place: int, job: Job) -> None:
        running[place] -= 1
        ended.append(job)
        send()

    for worker in range(at_once):
        environment.timeout(STAGGER * worker / at_once).callbacks.append(lambda _: send())
    environment.run()
    return Point(
        at_once,
        ANSWER * requests / max(job.ended for job in ended),
        1e3 * statistics.median(job.first - job.came for job in ended),
        1e3 * statistics.median((job.ended - job.first) / (job.answer - 1) for job in ended),
    )


def typical(figures: EngineFigures, at_once: int, requests: int, *, seed: int = 1) -> Point:
    """The medians of `RUNS` such loads: which requests share a step is chance, in a real run, too."""
    runs = [closed_loop(figures, at_once, requests, seed=seed + number) for number in range(RUNS)]
    return Point(
        at_once,
        statistics.median(run.tokens_per_s for run in runs),
        statistics.median(run.ttft_p50_ms for run in runs),
        statistics.median(run.tpot_p50_ms for run in runs),
    )


def error(level: Level, point: Point) -> Error:
    """How far ``point`` is from what was measured."""
    return Error(point.tokens_per_s / level.tokens_per_s - 1, point.ttft_p50_ms / level.ttft_p50_ms - 1)


def turns(figures: EngineFigures) -> tuple[float, float]:
    """Milliseconds to the first token of a chat's first turn and of its second, whose beginning is in the cache."""
    environment, told, found = simpy.Environment(), figures.second_turn, list[float]()
    engine = Engine(environment, figures, kv_tokens(figures, 256))
    for prompt in (told.cached_tokens, told.cached_tokens + told.new_tokens):
        job = Job(0, prompt, 2, lambda _: None)
        engine.submit(job)
        environment.run()
        found.append(1e3 * (job.first - job.came))
    return found[0], found[1]
