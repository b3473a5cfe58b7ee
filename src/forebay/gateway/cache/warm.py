"""Stores answers that were not asked for here: exported ones, or those that somebody knows to be good."""

from forebay.core.entries import Entry
from forebay.core.errors import InvalidRequestError
from forebay.core.types import Call
from forebay.gateway.cache.asked import Reader
from forebay.gateway.cache.keeper import Keeper
from forebay.gateway.cache.stage import Find
from forebay.gateway.cache.whole import storable


class Warmer:
    """Stores under the keys that the stage will look under; ``find``, ``reader`` and ``keeper`` are its own."""

    def __init__(self, find: Find, reader: Reader, keeper: Keeper) -> None:
        self._find = find
        self._reader = reader
        self._keeper = keeper

    async def answer(self, call: Call, body: bytes) -> None:
        """Let ``body``, a whole reply, be the answer to ``call``.

        Raises:
            InvalidRequestError: it is none that may be stored, or the call is none that the cache answers.
            ModelNotFoundError: there is no such model.
        """
        model = self._find(call.request.model, call.principal)
        asked = self._reader.read(call, model, self._reader.wishes(call))
        if asked is None:
            raise InvalidRequestError("The cache does not answer this request.", param="request")
        stored = storable(call.request.operation, body)
        if stored is None:
            raise InvalidRequestError("This is no whole reply with a good end.", param="response")
        now, owner = self._keeper.clock(), asked.owner
        operation = call.request.operation.value
        labels = (owner.tenant, owner.namespace, model.name, operation, "warmed")
        await self._keeper.put(asked, Entry(stored, now, now + asked.ttl, *labels))

    async def entry(self, key: bytes, entry: Entry) -> None:
        """Let ``key`` have ``entry``, as an export tells it.

        Raises:
            InvalidRequestError: it has expired.
        """
        if not entry.lives(self._keeper.clock()):
            raise InvalidRequestError("The entry has expired.", param="entry")
        await self._keeper.restore(key, entry)
