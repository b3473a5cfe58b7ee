"""What guards cost: nothing where there are none, and how long holdback keeps the first text of a stream.

    python bench/guards.py

The guards judge nothing, so all that is measured is the pipeline's. A model that writes a token of four characters
every 20 ms is played by a timer.
"""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncGenerator

from forebay.core.stream import DONE, Primed, event
from forebay.core.types import Call, Event, Operation, Principal, Reply, Request, Stream, Trace, Whole
from forebay.core.verdicts import PASSED, Context, Judgement, Verdict
from forebay.gateway.guard import Guard
from forebay.gateway.guarding.beside import Beside
from forebay.gateway.guarding.rules import Policies, Rule
from forebay.gateway.pipeline import compose
from forebay.settings import PolicySettings, RuleSettings

CALLS = 2000
ROUNDS = 7
TOKEN_SECONDS = 0.02
TOKENS = 100
TEXT = "word " * 200


class Nothing:
    """A guard that finds nothing; the pipeline cannot know."""

    def __init__(self, lookbehind: int | None) -> None:
        self.lookbehind = lookbehind

    async def check(self, text: str, context: Context) -> Verdict:  # noqa: ARG002  # a guard's signature
        """Let everything pass."""
        return PASSED


class Nobody:
    """Takes no notes."""

    def judged(self, judgement: Judgement) -> None:
        """Take none."""

    def held(self, seconds: float) -> None:
        """Take none."""


async def whole(_call: Call) -> Reply:
    """Answer at once."""
    return Whole(BODY)


async def streamed(_call: Call) -> Reply:
    """Answer a token every 20 ms."""
    return Stream(await Primed.of(_tokens()))


async def _tokens() -> AsyncGenerator[Event, None]:
    for number in range(TOKENS):
        await asyncio.sleep(TOKEN_SECONDS)
        choice = {"index": 0, "delta": {"content": f"tok{number % 10}"}, "logprobs": None, "finish_reason": None}
        yield Event(event(json.dumps({"id": "x", "choices": [choice]}).encode()))
    yield Event(DONE, content=False)


BODY = json.dumps(
    {"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}]}
).encode()


def call(*, stream: bool) -> Call:
    """A chat of one message."""
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": TEXT}]}).encode()
    return Call("req", Request(Operation.CHAT, "m", body, stream), Principal("alice"), Trace(time.perf_counter()))


def stage(lookbehind: int | None, policy: PolicySettings, guards: int = 1) -> Guard:
    """A stage with so many guards on every side."""
    rules = [Rule(f"g{number}", Nothing(lookbehind), RuleSettings(on_fail="exception")) for number in range(guards)]
    return Guard(Policies(rules, policy), Nobody(), Beside())


async def microseconds(*stages: Guard) -> float:
    """What a call costs, the best of some rounds."""
    ask = compose(stages, whole)
    asked = call(stream=False)
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            await ask(asked)
        best = min(best, (time.perf_counter() - began) / CALLS)
    return best * 1e6


async def first_text(*stages: Guard) -> float:
    """Milliseconds until the first text leaves: the median of some streams."""
    found = []
    for _ in range(5):
        began = time.perf_counter()
        reply = await compose(stages, streamed)(call(stream=True))
        assert isinstance(reply, Stream)
        found.append(time.perf_counter() - began)
        await reply.events.aclose()
    return statistics.median(found) * 1e3


async def main() -> None:
    """Print both tables."""
    everywhere, elsewhere = PolicySettings(), PolicySettings(tenants={"other": ("g0",)})
    base = await microseconds()
    print(f"| no guard configured | {base:.1f} µs |")
    print(f"| a guard for another tenant | +{await microseconds(stage(0, elsewhere)) - base:.1f} µs |")
    for guards in (1, 5):
        cost = await microseconds(stage(0, everywhere, guards)) - base
        print(f"| {guards} guard(s) on both sides, 1 kB each way | +{cost:.1f} µs |")
    alone = await first_text()
    print(f"| first text without guards | {alone:.1f} ms |")
    for lookbehind in (0, 16, 64, 256, None):
        print(f"| lookbehind {lookbehind} | +{await first_text(stage(lookbehind, everywhere)) - alone:.1f} ms |")


if __name__ == "__main__":
    asyncio.run(main())
