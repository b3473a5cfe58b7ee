"""What all gateways share, and how many of each are needed: arithmetic, and a queue to check it by.

Redis has one thread: it is full when a second's requests take it a second. PostgreSQL takes the ledger's rows in
batches, one transaction of each gateway after the other; the more gateways, the smaller they are.
"""

import math
import random

import msgspec
import numpy as np
import simpy

from bench.simulation.measured import Measured, PostgresFigures, RedisFigures

ADMISSION = "rpm, tpm, parallel of a key"
FULL = 0.6
"""How busy a gateway's core may be at the peak, so that it has something left for bursts."""


class Repeats(msgspec.Struct, frozen=True):
    """Questions that are asked again: this share of all turns is one of a catalogue, whose popularity is Zipf's."""

    share: float = 0.1
    catalogue: int = 100_000
    seconds: float = 3600


class Store(msgspec.Struct, frozen=True):
    """A server's load: seconds of work in each second; seconds that a request waits for others, mean and p99."""

    load: float
    mean: float
    p99: float


class Ledger(msgspec.Struct, frozen=True):
    """Rows of one transaction, PostgreSQL's cores, and the seconds of each second that a gateway is delivering."""

    rows: float
    cores: float
    delivering: float


def redis_seconds(figures: RedisFigures, hits: float, admission: str = ADMISSION) -> float:
    """What a request takes of Redis: limits, a look into the cache, and what it does not find it puts there."""
    cache = figures.cache_get_us + (1 - hits) * figures.cache_put_us
    return (figures.admission_us[admission] + cache) / 1e6


def redis_wait(service: float, rate: float, *, seconds: float = 20, seed: int = 1) -> Store:
    """Requests that come by chance to a server that takes ``service`` seconds for each, simulated."""
    environment, pick = simpy.Environment(), random.Random(seed)
    thread, waits = simpy.Resource(environment), list[float]()

    def request() -> simpy.events.ProcessGenerator:
        came = environment.now
        with thread.request() as turn:
            yield turn
            waits.append(environment.now - came)
            yield environment.timeout(service)

    def come() -> simpy.events.ProcessGenerator:
        while True:
            yield environment.timeout(pick.expovariate(rate))
            environment.process(request())

    environment.process(come())
    environment.run(until=seconds)
    return Store(rate * service, float(np.mean(waits)), float(np.quantile(waits, 0.99)))


def mean_wait(service: float, rate: float) -> float:
    """The same by Pollaczek and Khinchine's formula (M/D/1); infinite when it never ends."""
    load = rate * service
    return load * service / (2 * (1 - load)) if load < 1 else math.inf


def ledger(figures: PostgresFigures, rate: float, gateways: int) -> Ledger:
    """The ledger's rows of ``rate`` requests a second."""
    largest = figures.batches[-1].rows
    rows = max(1.0, min(rate * figures.deliver_s / gateways, largest))
    sizes = np.log([each.rows for each in figures.batches])
    cost = float(np.interp(np.log(rows), sizes, [each.us_per_row for each in figures.batches]))
    speed = float(np.interp(np.log(rows), sizes, [each.rows_per_s for each in figures.batches]))
    return Ledger(rows, rate * cost / 1e6, rate / gateways / speed)


def gateways(figures: Measured, rate: float) -> int:
    """Cores, one process each, that gateways need."""
    return max(1, math.ceil(rate / (figures.gateway.requests_per_core_s * FULL)))


def exact_hits(repeats: Repeats, rate: float) -> float:
    """The share of turns that an exact cache answers, whose entries live ``seconds`` from when they are made.

    Of a question that comes ``n`` times as often as its entry ends, ``n / (n + 1)`` are hits.
    """
    popularity = 1 / np.arange(1, repeats.catalogue + 1)
    popularity /= popularity.sum()
    times = popularity * rate * repeats.share * repeats.seconds
    return repeats.share * float(np.sum(popularity * times / (times + 1)))
