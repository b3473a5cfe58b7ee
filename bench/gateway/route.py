#!/usr/bin/env python3
"""What routing costs: microseconds of a whole reply, and of an event of a stream, by strategy.

    route.py [--rounds 9]

A provider answers at once, so that what is measured is the pipeline around it: meter, route, two deployments. "alone"
is the provider by itself. The best round is told.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncGenerator
from random import Random

from forebay.core.ports import Handler
from forebay.core.stream import Primed
from forebay.core.types import (
    Call,
    Deployment,
    Event,
    Operation,
    Principal,
    Record,
    Reply,
    Request,
    Stream,
    Trace,
    Usage,
    Whole,
)
from forebay.gateway.meter import Meter
from forebay.gateway.pipeline import compose
from forebay.gateway.route import Route
from forebay.gateway.target import Model, Target
from forebay.plugins import STRATEGIES, Tools

EVENTS = 64
CALLS = {False: 5000, True: 200}
BODY = b'{"model": "m", "messages": [{"role": "user", "content": "%b"}]}' % (b"x" * 2000)
REPLY, EVENT = Whole(b"{}", Usage(3, 1)), Event(b"data: x\n\n")


class Instant:
    """Answers at once."""

    operations = frozenset(Operation)

    async def answer(self, call: Call, _deployment: Deployment) -> Reply:
        """The same reply for all."""
        call.trace.provider_started = call.trace.provider_answered = time.perf_counter()
        return Stream(await Primed.of(self._events())) if call.request.stream else REPLY

    async def _events(self) -> AsyncGenerator[Event, None]:
        for _ in range(EVENTS):
            yield EVENT


class Nowhere:
    """A recorder that keeps nothing."""

    def record(self, record: Record) -> None:
        """Let it go."""


def handler(kind: str) -> Handler:
    """The pipeline with the strategy ``kind``."""
    provider = Instant()
    targets = [Target(Deployment(f"{name}/x", name, "x"), provider) for name in "ab"]  # type: ignore[arg-type]
    if kind == "alone":
        return lambda call: provider.answer(call, targets[0].deployment)
    plugin = STRATEGIES.plugin(kind)
    strategy = plugin.build(plugin.settings(), Tools(Random(1), lambda _deployment: 1.0))
    return compose((Meter([Nowhere()]),), Route({"m": Model("m", tuple(targets), strategy)}))


async def seconds(ask: Handler, *, stream: bool) -> float:
    """Of one call, on average."""
    request, principal = Request(Operation.CHAT, "m", BODY, stream), Principal("bench")
    began = time.perf_counter()
    for number in range(CALLS[stream]):
        reply = await ask(Call(f"req_{number}", request, principal, Trace(time.perf_counter())))
        if isinstance(reply, Stream):
            async for _ in reply.events:
                pass
            await reply.events.aclose()
    return (time.perf_counter() - began) / CALLS[stream]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    print(f"{'strategy':<16}{'us a reply':>12}{'us an event':>13}")
    for kind in ("alone", *sorted(STRATEGIES.installed())):
        ask = handler(kind)
        whole, stream = (
            min(asyncio.run(seconds(ask, stream=stream)) for _ in range(rounds)) * 1e6 for stream in (False, True)
        )
        print(f"{kind:<16}{whole:>12.2f}{stream / EVENTS:>13.2f}")


if __name__ == "__main__":
    main()
