"""Asks a second target when the first is slow to begin: the first content wins, the other is cancelled at once.

Source: Dean and Barroso, "The tail at scale" (2013): to wait for the 95th percentile first costs few requests more.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Self

import msgspec

from forebay.core.errors import ForebayError, UnavailableError, UpstreamTimeoutError
from forebay.core.stream import Primed
from forebay.core.types import Call, Event, Events, Reply, Stream, Trace, Usage, Whole
from forebay.gateway.attempt import attempt, within
from forebay.gateway.cooldown import COUNTED, why_out
from forebay.gateway.prices import cost
from forebay.gateway.statistics import slow
from forebay.gateway.target import Model, Target

NO_USAGE = Usage()


async def hedged(call: Call, model: Model, order: Sequence[Target], reason: str, deadline: float) -> Reply:
    """The answer of whoever of ``order`` begins first; there are never more than two at a time.

    A further target is asked when one has failed, and one more besides when the first is slow.

    Raises:
        ForebayError: what the last of them raised.
    """
    race = Race(call, model, order, deadline)
    try:
        return await race.run(reason)
    finally:
        await race.give_up()


class Race:
    """The attempts under way, each with a trace of its own, because a provider writes into it."""

    def __init__(self, call: Call, model: Model, order: Sequence[Target], deadline: float) -> None:
        self._call = call
        self._model = model
        self._waiting = deque(order)
        self._deadline = deadline
        self._asked: dict[asyncio.Task[Reply], Trace] = {}

    async def run(self, reason: str) -> Reply:
        """The winner's reply; ``reason`` is why the first is asked at all."""
        failure: ForebayError | None = None
        patience = self._patience(self._waiting[0])
        self._next(reason)
        try:
            while self._asked:
                ended, _ = await asyncio.wait(self._asked, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                reason = "next" if ended else "hedge"
                while ended:
                    try:
                        return self._settled(ended.pop())
                    except COUNTED as error:
                        failure = error
                self._next(reason)
                patience = None
            raise failure or UpstreamTimeoutError("The request's total time-out passed before any deployment answered.")
        finally:
            del failure  # its traceback leads here, and would keep what it knows until memory is swept

    def _settled(self, task: asyncio.Task[Reply]) -> Reply:
        """What ``task`` came to; a winner's figures become the call's."""
        own = self._asked.pop(task)
        try:
            return _settled(task.result(), own, self._call.trace)
        finally:
            del task  # as above

    async def give_up(self) -> None:
        """Cancel what is still under way; what it has cost is known to the call."""
        trace = self._call.trace
        for task in self._asked:
            task.cancel()
        for task, own in self._asked.items():
            await asyncio.wait([task])
            if not task.cancelled() and task.exception() is None and isinstance(reply := task.result(), Stream):
                await reply.events.aclose()
            if own.usage is not None and not own.usage.is_plausible:
                own.usage = None
            if own.usage is not None:
                trace.lost = (trace.lost or NO_USAGE) + own.usage
            if own.provider_started:
                trace.lost_cost = _lost(trace, own)

    def _patience(self, target: Target) -> float | None:
        """How many seconds ``target`` may take before it counts as slow; ``None`` if nobody knows."""
        settings = self._model.hedge
        if settings is None:
            return None
        after = slow(target.live) if settings.after == "p95" else settings.after
        return None if after is None else max(settings.least, after)

    def _next(self, reason: str) -> None:
        """Ask the next target that may be asked, if there is one and time for it."""
        waiting = self._waiting
        while waiting and time.perf_counter() < self._deadline:
            target = waiting.popleft()
            if not (target.live.out and why_out(target.live)):
                own = Trace(self._call.trace.accepted, target.deployment.name, price=target.deployment.price)
                copy = msgspec.structs.replace(self._call, trace=own)
                asking = _begun(within(target, self._deadline), copy, self._model, reason, self._call.trace)
                self._asked[asyncio.create_task(asking, name="hedged")] = own
                return


async def _begun(target: Target, call: Call, model: Model, reason: str, trace: Trace) -> Reply:
    """The reply, once there is content in it.

    Raises:
        UnavailableError: another call has begun to try the target since this task was made.
        ForebayError: what the provider raised.
    """
    if target.live.out and why_out(target.live):
        raise UnavailableError("The deployment is cooling down.")
    reply = await attempt(target, call, model, reason, trace)
    if isinstance(reply, Whole):
        return reply
    events, pieces = reply.events, []
    try:
        async for event in events:
            pieces.append(event.data)
            if event.content:
                break
    except BaseException:
        await events.aclose()
        raise
    return Stream(Primed(Event(b"".join(pieces)), events), reply.headers, reply.content_type)


def _settled(reply: Reply, own: Trace, trace: Trace) -> Reply:
    """The winner's figures become the call's."""
    trace.deployment = own.deployment
    trace.provider_started, trace.provider_answered = own.provider_started, own.provider_answered
    trace.queue_seconds = own.queue_seconds
    trace.usage, trace.price = own.usage, own.price
    if isinstance(reply, Whole):
        return reply
    return Stream(_Joined(reply.events, own, trace), reply.headers, reply.content_type)


def _lost(trace: Trace, own: Trace) -> int | None:
    """What was lost so far and on one more; what it cost is unknown if it has not come to tell its tokens."""
    wasted = cost(own, own.usage.completion_tokens if own.usage else 0)
    return None if wasted is None or trace.lost_cost is None else trace.lost_cost + wasted


class _Joined:
    """The winner's stream; the usage that it finds out on its way is the call's."""

    __slots__ = ("_events", "_own", "_trace")

    def __init__(self, events: Events, own: Trace, trace: Trace) -> None:
        self._events = events
        self._own = own
        self._trace = trace

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            return await self._events.__anext__()
        finally:
            self._trace.usage = self._own.usage

    async def aclose(self) -> None:
        """Close what is behind."""
        await self._events.aclose()
