"""Keeps replies in a Redis or Valkey that several machines may share.

Where the server has vector sets (Redis 8), the semantic index is there too: see `vectorsets`.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, cast

import msgspec

from forebay.cache.codec import Decoder, encode
from forebay.cache.connection import PATIENCE, Connection, RefusedError, parsed
from forebay.cache.vectorsets import VectorSets
from forebay.core.entries import Entry, News, Selection, StoreStats
from forebay.plugins import CachePlugin
from forebay.settings import Duration, Secret

if TYPE_CHECKING:
    from redis.asyncio import Redis  # `connection` says what to do where it is missing

_PAGE: Final = 500
"""Keys that a scan asks for at once."""

_KEY: Final = 32
"""Bytes of a key."""

_TOLD: Final = 10_000
"""Of how many questions it is remembered that they were written; whoever looks less often misses some."""


class RedisSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where it is, and how patient to be: each command may take ``timeout``, and after one that did not is a ``pause``.

    ``prefix`` begins every key. How much is kept is the server's ``maxmemory``; let its policy evict.
    """

    url: Secret
    timeout: Annotated[Duration, msgspec.Meta(gt=0)] = 0.05
    pause: Annotated[Duration, msgspec.Meta(gt=0)] = 1.0
    prefix: str = "forebay:cache:"
    max_connections: Annotated[int, msgspec.Meta(ge=1)] = 32

    def __post_init__(self) -> None:
        # A URL that means nothing is told with its line.
        parsed(self.url.reveal())


class RedisStore:
    """The store in a Redis; ``clock`` tells seconds since the epoch."""

    def __init__(self, settings: RedisSettings, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._prefix = settings.prefix.encode()
        # No entry's key begins like this: those of the index are not among what `scan` finds.
        self._index = b"index:" + self._prefix
        self._connection = Connection(settings.url.reveal(), settings.timeout, settings.pause, settings.max_connections)
        self._within = self._connection.within
        self._decoder = Decoder()

    async def start(self) -> None:
        """Connections are opened when they are needed, and opened again when they are lost."""
        self._connection.open()

    async def get(self, key: bytes) -> Entry | None:
        """The entry of ``key``."""
        try:
            data = await self._within(partial(_value, key=self._prefix + key))
        except RefusedError as error:
            if "WRONGTYPE" not in str(error):
                raise
            self._decoder.unreadable += 1
            await self.delete(key)
            return None
        if data is None:
            return None
        entry = self._decoder.entry(data)
        if entry is None or not entry.lives(self._clock()):
            await self.delete(key)
            return None
        return entry

    async def put(self, key: bytes, entry: Entry) -> None:
        """Keep ``entry`` until it expires, which Redis sees to itself."""
        left = int((entry.expires - self._clock()) * 1000)
        if left <= 0:
            return
        told = entry.question is not None and bool(entry.question.vector)
        await self._within(partial(_write, key=self._prefix + key, value=encode(entry), left=left))
        if told:
            await self._within(partial(_tell, stream=self._index + b"written", key=key))

    async def delete(self, key: bytes) -> bool:
        """Forget ``key``."""
        return bool(await self._within(lambda redis: redis.delete(self._prefix + key)))

    async def delete_where(self, selection: Selection) -> int:
        """Forget what ``selection`` holds; every entry is looked at."""
        return sum([await self.delete(key) async for key, entry in self.scan() if selection.holds(entry)])

    async def scan(self) -> AsyncIterator[tuple[bytes, Entry]]:
        """Every entry; one that comes or goes meanwhile may be missed, or told twice."""
        async for keys in self._pages():
            values = await self._within(partial(_values, keys=keys), PATIENCE)
            for key, data in zip(keys, values, strict=True):
                entry = self._decoder.entry(data)
                if entry is not None and entry.lives(self._clock()):
                    yield key[len(self._prefix) :], entry

    async def news(self, mark: str | None) -> News:
        """What has been written since ``mark``, out of a stream of the keys of questions."""
        stream = self._index + b"written"
        told = await self._within(partial(_told, stream=stream, mark=mark), PATIENCE)
        if mark is None or not told:
            return News(told[0][0].decode() if told else mark or "0", [])
        keys = [fields[b"key"] for _, fields in told if b"key" in fields]
        values = await self._within(partial(_values, keys=[self._prefix + key for key in keys]), PATIENCE)
        found = [(key, self._decoder.entry(data)) for key, data in zip(keys, values, strict=True) if data is not None]
        return News(told[-1][0].decode(), [(key, entry) for key, entry in found if entry is not None])

    async def questions(self, embedder: str, most: int) -> VectorSets | None:
        """An index of at most ``most`` questions in vector sets of the server, if it has them."""
        index = VectorSets(self._connection, self._index, self._prefix, embedder, most, self._clock)
        return index if await index.is_possible() else None

    async def stats(self) -> StoreStats:
        """How many entries there are, and the bytes of all that the server holds."""
        entries = sum([len(keys) async for keys in self._pages()])
        memory = await self._within(lambda redis: redis.info("memory"), PATIENCE)
        return StoreStats(entries, int(memory["used_memory"]))

    def gauges(self) -> Mapping[str, float]:
        """How many values could not be read, how often it could not be asked, and whether it can be now."""
        return {
            "unreadable_total": self._decoder.unreadable,
            "failures_total": self._connection.failures,
            "up": float(self._connection.is_up),
        }

    async def close(self) -> None:
        """Close all connections."""
        await self._connection.close()

    async def _pages(self) -> AsyncIterator[list[bytes]]:
        cursor = 0
        pattern = _literal(self._prefix) + b"*"
        while True:
            cursor, keys = await self._within(partial(_page, cursor=cursor, pattern=pattern), PATIENCE)
            found = [key for key in keys if len(key) == len(self._prefix) + _KEY]
            if found:
                yield found
            if not cursor:
                return


# Bytes are what redis-py answers with unless it is told to decode.
async def _value(redis: "Redis", key: bytes) -> bytes | None:
    return cast("bytes | None", await redis.get(key))


async def _values(redis: "Redis", keys: list[bytes]) -> list[bytes | None]:
    return cast("list[bytes | None]", await redis.mget(keys))


async def _write(redis: "Redis", key: bytes, value: bytes, left: int) -> None:
    await redis.set(key, value, px=left)


async def _tell(redis: "Redis", stream: bytes, key: bytes) -> None:
    await redis.xadd(stream, {"key": key}, maxlen=_TOLD, approximate=True)


async def _told(redis: "Redis", stream: bytes, mark: str | None) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """What the stream has after ``mark``, the oldest first; without one the newest alone."""
    if mark is None:
        found = await redis.xrevrange(stream, count=1)
    else:
        found = await redis.xrange(stream, min=f"({mark}", count=_PAGE)
    return cast("list[tuple[bytes, dict[bytes, bytes]]]", found)


async def _page(redis: "Redis", cursor: int, pattern: bytes) -> tuple[int, list[bytes]]:
    return cast("tuple[int, list[bytes]]", await redis.scan(cursor, match=pattern, count=_PAGE))


def _literal(text: bytes) -> bytes:
    r"""``text`` in a pattern of Redis, where ``* ? [ ] \`` mean something."""
    return b"".join(b"\\" + bytes([each]) if each in b"*?[]\\" else bytes([each]) for each in text)


plugin = CachePlugin(RedisSettings, RedisStore, shared=True)
