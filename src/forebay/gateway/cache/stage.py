"""The stage that answers what was answered before, and keeps what is answered now.

    key ─► store ─► under way? ─► another wording? ─► ask on ─► store
            │ HIT      │ HIT          │ SEMANTIC-HIT     │ MISS, REFRESH

It asks on for whatever it does not understand: a request must never fail because there is a cache.
"""

import copy
from collections.abc import Callable
from typing import Final

import msgspec

from forebay.core.cachecontrol import CacheControl
from forebay.core.entries import Entry
from forebay.core.errors import ForebayError, NotCachedError
from forebay.core.marks import HEADER as MARK
from forebay.core.ports import Handler
from forebay.core.types import Call, Operation, Price, Principal, Reply, Stream, Usage, Whole
from forebay.gateway.cache.asked import OFF, Asked, Reader, Wording
from forebay.gateway.cache.collect import Collecting
from forebay.gateway.cache.flight import HANDED_OVER, Flight, Landed
from forebay.gateway.cache.judge import Judge
from forebay.gateway.cache.keeper import Keeper, Near
from forebay.gateway.cache.keeping import Keeping
from forebay.gateway.cache.replay import replay
from forebay.gateway.cache.shadow import Shadow
from forebay.gateway.cache.whole import named
from forebay.gateway.target import Model

DEPLOYMENT: Final = "cache"
"""What a hit was answered by, in figures and headers."""

HIT, SEMANTIC_HIT, MISS, REFRESH, BYPASS = "hit", "semantic-hit", "miss", "refresh", "bypass"

FREE: Final = Price(0, 0, 0, 0, 0)

_OPERATIONS: Final = frozenset({Operation.CHAT, Operation.COMPLETION, Operation.EMBEDDING})
Find = Callable[[str, Principal], Model]


class Cache:
    """``find`` resolves models, ``reader`` makes keys, ``keeper`` has the entries; ``judge`` may refuse."""

    def __init__(  # noqa: PLR0913, PLR0917  # two of them are there only where they are wanted
        self,
        find: Find,
        reader: Reader,
        keeper: Keeper,
        max_entry: int,
        shadow: Shadow | None = None,
        judge: Judge | None = None,
    ) -> None:
        self._find = find
        self._reader = reader
        self._keeper = keeper
        self._max_entry = max_entry
        self._shadow = shadow
        self._judge = judge

    async def __call__(self, call: Call, ask: Handler) -> Reply:
        """Answer ``call`` from the cache, or ask on.

        Raises:
            InvalidRequestError: what is wished of the cache cannot be understood.
            NotCachedError: only a stored answer was wanted.
            ForebayError: what asking on raised.
        """
        if call.request.operation not in _OPERATIONS:
            return await ask(call)
        wishes = self._reader.wishes(call)
        try:
            model = self._find(call.request.model, call.principal)
        except ForebayError:
            return await ask(call)  # whoever is asked says so
        asked = self._reader.read(call, model, wishes)
        if asked is None:
            call.trace.cache = BYPASS
            call.trace.story.cache_why = _why_not(model, wishes)
            if wishes.only_if_cached:
                raise _not_cached()
            return _labelled(await ask(call), BYPASS)
        return await self._answer(asked, ask)

    async def _answer(self, asked: Asked, ask: Handler) -> Reply:
        asked.call.trace.story.cache_key = asked.key.hex()
        if asked.wishes.no_cache:
            return await self._ask(asked, ask, None, REFRESH)
        entry = await self._keeper.get(asked.key, asked.wishes.oldest)
        if entry is not None:
            return self._hit(asked.call, entry)
        flights = self._keeper.flights
        while (flight := flights.find(asked.key)) is not None:
            landed = await flight.wait(asked.model.total)
            if not landed.handed_over:
                return await self._landed(asked, ask, landed)
        return await self._lead(asked, ask, flights.lead(asked.key))

    async def _landed(self, asked: Asked, ask: Handler, landed: Landed) -> Reply:
        """The answer to a call that has waited for another one's."""
        if landed.error is not None:
            raise copy.copy(landed.error)
        if landed.entry is None:
            return await self._ask(asked, ask, None, MISS)
        self._keeper.counts.joined += 1
        return self._hit(asked.call, landed.entry, landed.similarity)

    async def _lead(self, asked: Asked, ask: Handler, flight: Flight) -> Reply:
        try:
            near = await self._near(asked.wording, asked.wishes.oldest) if asked.wording is not None else None
            if near is None:
                return await self._ask(asked, ask, flight, MISS)
        except ForebayError as error:
            flight.land(Landed(error=error))
            raise
        except BaseException:
            flight.land(HANDED_OVER)
            raise
        flight.land(Landed(near.entry, similarity=near.similarity))
        if self._shadow is not None:
            self._shadow.hit(asked.call, near.entry)
        return self._hit(asked.call, near.entry, near.similarity)

    async def _near(self, wording: Wording, oldest: float | None) -> Near | None:
        """An entry that answers another wording, and that no judge refuses."""
        near = await self._keeper.near(wording, oldest)
        if near is None or self._judge is None or await self._judge.affirms(wording.text, near):
            return near
        return None

    async def _ask(self, asked: Asked, ask: Handler, flight: Flight | None, label: str) -> Reply:
        """Ask on, and store the answer as soon as it is whole."""
        asked.call.trace.cache = label
        if asked.wishes.only_if_cached:
            raise _not_cached()
        reply = _labelled(await ask(asked.call), label)
        keeping = Keeping(self._keeper, asked, flight, self._max_entry, dict(reply.headers).get(MARK, ""))
        if isinstance(reply, Whole):
            keeping.whole(reply)
            return reply
        return Stream(Collecting(reply.events, self._max_entry, keeping.streamed, keeping.lost), reply.headers)

    def _hit(self, call: Call, entry: Entry, similarity: float | None = None) -> Reply:
        """``entry`` as the answer to ``call``, which costs nothing."""
        label = HIT if similarity is None else SEMANTIC_HIT
        now = self._keeper.clock()
        trace, request = call.trace, call.request
        trace.cache, trace.deployment, trace.price, trace.usage = label, DEPLOYMENT, FREE, entry.usage or Usage()
        headers = [("x-cache", label.upper()), ("age", str(int(entry.age(now))))]
        if similarity is not None:
            headers.append(("x-cache-similarity", f"{similarity:.4f}"))
        if entry.mark:
            headers.append((MARK, entry.mark))
        if request.stream:
            events = replay(request.operation, entry.body, call.id, now, include_usage=request.include_usage)
            return Stream(events, tuple(headers))
        return Whole(named(request.operation, entry.body, call.id, now), entry.usage, tuple(headers))


def _labelled(reply: Reply, label: str) -> Reply:
    headers = (*reply.headers, ("x-cache", label.upper()))
    return msgspec.structs.replace(reply, headers=headers)


def _why_not(model: Model, wishes: CacheControl) -> str:
    """Why a call is not looked for, in one word."""
    if model.cache == OFF:
        return "model"
    return "request" if wishes.mode == OFF or (wishes.no_cache and wishes.no_store) else "unreadable"


def _not_cached() -> NotCachedError:
    return NotCachedError(
        "There is no stored answer, and 'only-if-cached' forbids asking for one: leave it out.", param="cache-control"
    )
