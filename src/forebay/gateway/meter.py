"""The outermost stage: whatever becomes of a call, one record of it is written.

TTFT     request accepted → first content handed to the client
TPOT     (last content - first content) / (tokens - 1)
latency  request accepted → end
overhead what of the time to the reply's head was neither the provider's nor a queue's
"""

import asyncio
import time
from collections.abc import Callable, Container, Sequence
from typing import Self

from forebay.core.errors import ForebayError
from forebay.core.marks import HEADER as MARK
from forebay.core.operations import TEXT
from forebay.core.ports import Handler, Recorder
from forebay.core.story import NAME_LIMIT
from forebay.core.types import Attempt, Call, Event, Events, Record, Reply, Stream, Trace, Usage, Whole
from forebay.gateway.prices import cost

CLIENT_CLOSED = 499
INTERNAL = "internal_error"
NO_USAGE = Usage()


class Meter:
    """Writes a `Record` of every call to each recorder, also when the call fails, breaks or is aborted.

    A call that came to no deployment is one of its model only where that is ``configured``, or clients could make up
    as many names as they like.
    """

    def __init__(self, recorders: Sequence[Recorder], configured: Callable[[], Container[str]] = tuple) -> None:
        self._recorders = tuple(recorder.record for recorder in recorders)
        self._configured = configured

    async def __call__(self, call: Call, ask: Handler) -> Reply:
        """Ask on; a whole reply is recorded here, a stream when it ends."""
        trace = call.trace
        trace.story.entered = time.perf_counter() - trace.accepted
        try:
            reply = await ask(call)
        except ForebayError as error:
            self.refused(call, error)
            raise
        except asyncio.CancelledError:
            self._write(call, CLIENT_CLOSED, "aborted")
            raise
        except BaseException:
            trace.story.error = INTERNAL
            self._write(call, 500, "error")
            raise
        if reply.headers:
            _look_at(call, reply.headers)
        if isinstance(reply, Whole):
            trace.first_token = trace.last_token = time.perf_counter()
            self._write(call, 200, "ok")
            return reply
        return Stream(_Metered(reply.events, call, self), reply.headers, reply.content_type)

    def refused(self, call: Call, error: ForebayError) -> None:
        """Record a call that ended with ``error``, here or before it came here."""
        call.trace.story.error = error.code or error.type
        self._write(call, error.status, "error")

    def _write(self, call: Call, status: int, outcome: str) -> None:
        record = _record(call, status, outcome, self._model(call))
        for take in self._recorders:
            take(record)

    def _model(self, call: Call) -> str:
        model = call.request.model
        return model if call.trace.deployment or model in self._configured() else ""

    def ended(self, call: Call, status: int, outcome: str) -> None:
        """The call's stream has ended."""
        self._write(call, status, outcome)


class _Metered:
    """A stream that notes when its events leave, and writes the record once, at whatever end."""

    __slots__ = ("_call", "_events", "_meter", "_open")

    def __init__(self, events: Events, call: Call, meter: Meter) -> None:
        self._events = events
        self._call = call
        self._meter = meter
        self._open = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            event = await self._events.__anext__()
        except StopAsyncIteration:
            self._end(200, "ok")
            raise
        except ForebayError as error:
            self._call.trace.story.error = error.code or error.type
            self._end(error.status, "broken")
            raise
        except Exception:
            self._call.trace.story.error = INTERNAL
            self._end(500, "broken")
            raise
        trace = self._call.trace
        if event.content:
            now = time.perf_counter()
            trace.last_token = now
            trace.chunks += 1
            if not trace.first_token:
                trace.first_token = now
        return event

    async def aclose(self) -> None:
        """Close what is behind; an early end counts as aborted."""
        try:
            await self._events.aclose()
        finally:
            self._end(CLIENT_CLOSED, "aborted")

    def _end(self, status: int, outcome: str) -> None:
        if self._open:
            self._open = False
            self._meter.ended(self._call, status, outcome)


def _record(call: Call, status: int, outcome: str, model: str) -> Record:
    """What is left of ``call``, which counts for ``model``.

    Fields are in the order of `Record`, because by name they take twice as long.
    """
    now = time.perf_counter()
    trace, request, principal = call.trace, call.request, call.principal
    if trace.usage is not None and not trace.usage.is_plausible:
        trace.usage = None
    usage, lost = trace.usage or NO_USAGE, trace.lost
    tokens = usage.completion_tokens or (trace.chunks if request.operation in TEXT else 0)
    spent = usage if lost is None else usage + lost
    trace.cost = cost(trace, tokens)
    started, attempts = _tried(trace)
    story, accepted = trace.story, trace.accepted
    story.choices = trace.choices
    if started:
        story.asked = started - accepted
    if not model:
        story.model = request.model[:NAME_LIMIT]
    answered, first = trace.provider_answered, trace.first_token
    return Record(
        call.id,
        time.time(),
        principal.name,
        principal.tenant,
        request.operation.value,
        model,
        trace.deployment,
        status,
        outcome,
        request.stream,
        spent.prompt_tokens,
        tokens if lost is None else tokens + lost.completion_tokens,
        now - accepted,
        first - accepted if first else None,
        tpot(call, tokens),
        trace.queue_seconds,
        answered - started if answered else 0.0,
        _overhead(trace, started, now),
        attempts,
        trace.cost,
        spent.cached_tokens,
        spent.cache_write_tokens,
        spent.reasoning_tokens,
        trace.cache,
        story,
        trace.prompt,
    )


def _overhead(trace: Trace, started: float, now: float) -> float:
    """Until the first provider was asked, and from the last one's answer to the first content (or the end)."""
    found = (started or now) - trace.accepted
    if trace.provider_answered:
        found += max(0.0, (trace.first_token or now) - trace.provider_answered)
    return found


def _tried(trace: Trace) -> tuple[float, tuple[Attempt, ...]]:
    """When the first provider was asked (0: none was), and the attempts, if they are worth telling."""
    attempts = trace.attempts
    if len(attempts) > 1:
        return trace.accepted + attempts[0].began, attempts
    if attempts and attempts[0].outcome == "ok":
        trace.story.span = attempts[0].span
        return trace.provider_started, ()
    return trace.provider_started, attempts


def _look_at(call: Call, headers: Sequence[tuple[str, str]]) -> None:
    for name, value in headers:
        if name == MARK:
            call.trace.story.watermark = value


def tpot(call: Call, tokens: int) -> float | None:
    """Seconds a token after the first; ``None`` for what was no stream, or left in one piece."""
    trace = call.trace
    between = trace.last_token - trace.first_token
    return between / (tokens - 1) if call.request.stream and trace.first_token and tokens > 1 and between else None
