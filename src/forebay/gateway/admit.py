"""The stage that refuses what is too much: for the key, its tenant, or the model.

What a request may take is reserved when it comes and settled when it ends, so that many at once cannot go far beyond a
limit. All of its limits are asked at once: where one refuses, nothing is taken of the others.
"""

import logging
from collections.abc import Callable
from typing import Final, Self

import msgspec

from forebay.core.limits import Counters, Refusal
from forebay.core.ports import Handler
from forebay.core.types import Call, Event, Events, Price, Reply, Stream, Usage, Whole
from forebay.gateway.limiting.holders import Holders
from forebay.gateway.limiting.need import estimate, estimated, used
from forebay.gateway.limiting.told import PREFIX, error, headers

logger = logging.getLogger("forebay.limits")

MOST_TOLD: Final = 1000

PriceOf = Callable[[Call, Usage], Price | None]
"""The price of the dearest deployment that may answer a call of that size, ``None`` if none is known."""


class Tally:
    """How often something was refused, by what was too little, and how often money could not be counted."""

    def __init__(self) -> None:
        self.counts: dict[str, float] = {}
        self._told: set[str] = set()

    def refused(self, refusal: Refusal) -> None:
        """Count one."""
        self._count(f"refused_{refusal.holder.kind}_{refusal.quantity}_total")

    def unpriced(self, model: str) -> None:
        """Count one, and say each model once."""
        self._count("unpriced_total")
        if model not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(model)
            logger.warning("no price is known for '%s': its requests do not count against budgets", model[:100])

    def _count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1


class Admit:
    """Lets calls through while all of their limits allow it; one without limits costs next to nothing."""

    def __init__(self, counters: Counters, holders: Holders, price: PriceOf, tally: Tally) -> None:
        self._counters = counters
        self._holders = holders
        self._price = price
        self._tally = tally

    async def __call__(self, call: Call, ask: Handler) -> Reply:
        """Answer ``call``; the reply's headers say what is left, as OpenAI's do.

        Raises:
            RateLimitError: it is too much; ``retry-after`` says when it will not be.
            QuotaError: a budget is used up.
            UnavailableError: it cannot be counted now.
        """
        holders = await self._holders.of(call)
        if not holders:
            return await ask(call)
        need = estimate(call.request)
        price = None
        if any(holder.budgets for holder in holders):
            price = self._price(call, need)
            if price is None:
                self._tally.unpriced(call.request.model)
        got = await self._counters.take(holders, estimated(need, price))
        if isinstance(got, Refusal):
            self._tally.refused(got)
            raise error(got, need.total_tokens)
        done = _Once(lambda: self._counters.settle(got, used(call, need)))
        try:
            reply = await ask(call)
        except BaseException:
            done()
            raise
        own = headers(got)
        kept = (*(each for each in reply.headers if not each[0].lower().startswith(PREFIX)), *own)
        if isinstance(reply, Whole):
            done()
            return msgspec.structs.replace(reply, headers=kept)
        return Stream(_Admitted(reply.events, done), kept, reply.content_type)


class _Once:
    """Does something the first time only, whichever of a stream's ends comes first."""

    __slots__ = ("_work",)

    def __init__(self, work: Callable[[], None]) -> None:
        self._work: Callable[[], None] | None = work

    def __call__(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work()


class _Admitted:
    """A stream that settles at whatever end it has."""

    __slots__ = ("_done", "_events")

    def __init__(self, events: Events, done: _Once) -> None:
        self._events = events
        self._done = done

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            return await self._events.__anext__()
        except BaseException:
            self._done()
            raise

    async def aclose(self) -> None:
        """Close what is behind."""
        try:
            await self._events.aclose()
        finally:
            self._done()
