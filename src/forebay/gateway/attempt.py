"""Asks one target, and takes note of how that went: for the trace, the statistics and the cool-down."""

import time
from typing import Self

import msgspec

from forebay.core.errors import ForebayError
from forebay.core.tracecontext import headers, new_span
from forebay.core.types import Attempt, Call, Event, Events, Operation, Reply, Stream, Trace, Whole
from forebay.gateway import cooldown, statistics
from forebay.gateway.target import Model, Target

# What a trace remembers; retries and fallbacks cannot go on for ever, but a configuration may have many deployments.
REMEMBERED = 64


async def attempt(target: Target, call: Call, model: Model, reason: str, trace: Trace | None = None) -> Reply:
    """Ask ``target`` for the sake of ``model``; ``trace`` is where the attempt is noted, if not in the call's own.

    Raises:
        ForebayError: what the provider raised.
    """
    noting = call.trace if trace is None else trace
    running = Running(target, model, reason, noting)
    if (place := noting.story.place) is not None:
        running.noted.span = new_span()
        call.trace.propagated = headers(place, running.noted.span)
    try:
        reply = await target.provider.answer(call, target.deployment)
    except BaseException as error:
        running.ended(error)
        raise
    running.answered()
    if call.request.operation is Operation.COUNT:
        running.measured = False  # nothing was generated: it says nothing about how fast answers are
    if isinstance(reply, Whole):
        running.whole(reply)
        return reply
    return Stream(Watched(reply.events, running), reply.headers, reply.content_type)


def within(target: Target, deadline: float) -> Target:
    """``target`` with what is left of the request's total time-out until ``deadline``, in ``perf_counter`` seconds."""
    timeouts = target.deployment.timeouts
    left = max(0.001, deadline - time.perf_counter())
    if left >= timeouts.total:
        return target
    timeouts = msgspec.structs.replace(timeouts, total=left)
    return msgspec.structs.replace(target, deployment=msgspec.structs.replace(target.deployment, timeouts=timeouts))


class Running:
    """One attempt from its begin to its end, which is told once."""

    __slots__ = ("_accepted", "_model", "_probe", "live", "measured", "noted")

    def __init__(self, target: Target, model: Model, reason: str, trace: Trace) -> None:
        live = target.live
        self.live = live
        self._model = model
        self.measured = model.measured
        self._probe = live.out and not model.alone
        if self._probe:
            live.probing = True
            reason = "probe"
        live.running += 1
        name = target.deployment.name
        self._accepted = trace.accepted
        self.noted = Attempt(model.name, name, reason, time.perf_counter() - trace.accepted)
        trace.deployment = name
        trace.price = target.deployment.price
        trace.usage = None  # what an attempt before this one counted is none of this one's
        if len(trace.attempts) < REMEMBERED:
            trace.attempts += (self.noted,)

    def answered(self) -> None:
        """The provider has answered, as far as its first event."""
        live = self.live
        if live.trouble:
            live.trouble = ""
        if self._probe or live.failures:
            cooldown.succeeded(live, probe=self._probe)
            self._probe = False

    def whole(self, reply: Whole) -> None:
        """The answer was there in one piece."""
        noted, live = self.noted, self.live
        live.running -= 1
        noted.outcome = "ok"
        noted.ended = time.perf_counter() - self._accepted
        if self.measured:
            self._measure(noted.ended - noted.began, reply)

    def _measure(self, seconds: float, reply: Whole) -> None:
        live = self.live
        usage = reply.usage
        tokens = usage.completion_tokens if usage is not None and usage.is_plausible else 0
        if tokens:
            statistics.per_token(live, max(0.0, seconds - (live.ttft or 0.0)) / tokens)
        else:
            statistics.first_token(live, seconds)

    def streamed(self, first: float, last: float, chunks: int) -> None:
        """The content of a stream came from ``first`` to ``last`` (``perf_counter`` seconds) in so many ``chunks``."""
        statistics.first_token(self.live, first - self._accepted - self.noted.began)
        if chunks > 1:
            statistics.per_token(self.live, (last - first) / (chunks - 1))

    def ended(self, error: BaseException | None) -> None:
        """It has ended: whole, or with ``error``."""
        noted, live = self.noted, self.live
        live.running -= 1
        noted.ended = time.perf_counter() - self._accepted
        if error is None:
            noted.outcome = "ok"
        elif isinstance(error, ForebayError):
            noted.outcome = error.code or error.type
            if isinstance(error, cooldown.COUNTED):
                live.trouble = noted.outcome
            if isinstance(error, cooldown.COUNTED) and self._model.spares(live):
                noted.cooled = cooldown.failed(live, error, self._model.cool_down, probe=self._probe)
                self._probe = False
        else:
            noted.outcome = "aborted" if not isinstance(error, Exception) else "internal_error"
        if self._probe:
            cooldown.undecided(live)


class Watched:
    """A stream whose end, at whatever point, ends its attempt."""

    __slots__ = ("_chunks", "_events", "_first", "_last", "_measured", "_running")

    def __init__(self, events: Events, running: Running) -> None:
        self._events = events
        self._running: Running | None = running
        self._measured = running.measured
        self._first = 0.0
        self._last = 0.0
        self._chunks = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            event = await self._events.__anext__()
        except StopAsyncIteration:
            self._end(None)
            raise
        except Exception as error:
            self._end(error)
            raise
        if self._measured and event.content:
            self._last = time.perf_counter()
            self._chunks += 1
            if not self._first:
                self._first = self._last
        return event

    async def aclose(self) -> None:
        """Close what is behind; an early end counts as aborted."""
        try:
            await self._events.aclose()
        finally:
            self._end(GeneratorExit())

    def _end(self, error: BaseException | None) -> None:
        running, self._running = self._running, None
        if running is not None:
            if self._first:
                running.streamed(self._first, self._last, self._chunks)
            running.ended(error)
