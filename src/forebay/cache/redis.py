"""Keeps replies in a Redis or Valkey that several machines may share.

By redis-py: it is Redis' own client, kept by its makers, reads RESP in C (hiredis) and speaks to Valkey too. A server
that does not answer in time is left alone for a while, so an outage costs one request in that while the time-out.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Annotated, Final, TypeVar, cast

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from forebay.cache.breaker import Breaker
from forebay.cache.codec import UnreadableError, decode, encode
from forebay.core.entries import CacheUnavailableError, Entry, Selection, StoreStats
from forebay.plugins import CachePlugin
from forebay.settings import Duration, Secret

T = TypeVar("T")

logger = logging.getLogger("forebay.cache")

_PAGE: Final = 500
"""Keys that a scan asks for at once."""

_SCAN_SECONDS: Final = 5.0
"""How long a page of a scan may take: nobody's request waits for it."""


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
        BlockingConnectionPool.from_url(_url(self))


class RedisStore:
    """The store in a Redis; ``clock`` tells seconds since the epoch."""

    def __init__(self, settings: RedisSettings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._prefix = settings.prefix.encode()
        self._breaker = Breaker(settings.pause)
        self._redis: Redis | None = None
        self._unreadable = 0
        self._failures = 0

    async def start(self) -> None:
        """Connections are opened when they are needed, and opened again when they are lost."""
        settings = self._settings
        pool = BlockingConnectionPool.from_url(
            _url(settings),
            max_connections=settings.max_connections,
            timeout=None,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=settings.timeout,
        )
        self._redis = Redis(connection_pool=pool)

    async def get(self, key: bytes) -> Entry | None:
        """The entry of ``key``."""
        data = await self._within(partial(_value, key=self._prefix + key))
        if data is None:
            return None
        entry = self._decoded(data)
        if entry is None or not entry.lives(self._clock()):
            await self.delete(key)
            return None
        return entry

    async def put(self, key: bytes, entry: Entry) -> None:
        """Keep ``entry`` until it expires, which Redis sees to itself."""
        left = int((entry.expires - self._clock()) * 1000)
        if left > 0:
            await self._within(lambda redis: redis.set(self._prefix + key, encode(entry), px=left))

    async def delete(self, key: bytes) -> bool:
        """Forget ``key``."""
        return bool(await self._within(lambda redis: redis.delete(self._prefix + key)))

    async def delete_where(self, selection: Selection) -> int:
        """Forget what ``selection`` holds; every entry is looked at."""
        return sum([await self.delete(key) async for key, entry in self.scan() if selection.holds(entry)])

    async def scan(self) -> AsyncIterator[tuple[bytes, Entry]]:
        """Every entry; one that comes or goes meanwhile may be missed, or told twice."""
        async for keys in self._pages():
            values = await self._within(partial(_values, keys=keys), _SCAN_SECONDS)
            for key, data in zip(keys, values, strict=True):
                entry = None if data is None else self._decoded(data)
                if entry is not None and entry.lives(self._clock()):
                    yield key[len(self._prefix) :], entry

    async def stats(self) -> StoreStats:
        """How many entries there are, and the bytes of all that the server holds."""
        entries = sum([len(keys) async for keys in self._pages()])
        memory = await self._within(lambda redis: redis.info("memory"), _SCAN_SECONDS)
        return StoreStats(entries, int(memory["used_memory"]))

    def gauges(self) -> Mapping[str, float]:
        """How many values could not be read, how often it could not be asked, and whether it can be now."""
        return {
            "unreadable_total": self._unreadable,
            "failures_total": self._failures,
            "up": float(self._breaker.is_closed),
        }

    async def close(self) -> None:
        """Close all connections."""
        redis, self._redis = self._redis, None
        if redis is not None:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(_SCAN_SECONDS):
                    await redis.aclose(close_connection_pool=True)

    async def _pages(self) -> AsyncIterator[list[bytes]]:
        cursor = 0
        pattern = _literal(self._prefix) + b"*"
        while True:
            cursor, keys = await self._within(partial(_page, cursor=cursor, pattern=pattern), _SCAN_SECONDS)
            if keys:
                yield keys
            if not cursor:
                return

    async def _within(self, command: Callable[[Redis], Awaitable[T]], seconds: float | None = None) -> T:
        """What ``command`` answers, if it does in time and there is any hope.

        Raises:
            CacheUnavailableError: it does not, or there is none.
        """
        redis, breaker = self._redis, self._breaker
        if redis is None or not breaker.admit():
            raise CacheUnavailableError("Redis cannot be reached")
        try:
            async with asyncio.timeout(seconds or self._settings.timeout):
                answer = await command(redis)
        except (RedisError, OSError, TimeoutError) as error:
            self._fail(error)
            raise CacheUnavailableError(f"Redis: {type(error).__name__}") from None
        except BaseException:
            breaker.undecided()
            raise
        if not breaker.is_closed:
            logger.warning("the cache's Redis answers again")
        breaker.succeeded()
        return answer

    def _fail(self, error: Exception) -> None:
        """Say it once for each outage: a line for each request would only add to it."""
        self._failures += 1
        if self._breaker.is_closed:
            logger.warning("the cache's Redis does not answer (%s): requests go on without it", type(error).__name__)
        self._breaker.failed()

    def _decoded(self, data: bytes) -> Entry | None:
        try:
            return decode(data)
        except UnreadableError:
            self._unreadable += 1
            return None


def _url(settings: RedisSettings) -> str:
    """The URL as redis-py knows it; Valkey's is the same by another name."""
    url = settings.url.reveal()
    return "redis" + url.removeprefix("valkey") if url.startswith("valkey") else url


# Bytes are what redis-py answers with unless it is told to decode.
async def _value(redis: Redis, key: bytes) -> bytes | None:
    return cast("bytes | None", await redis.get(key))


async def _values(redis: Redis, keys: list[bytes]) -> list[bytes | None]:
    return cast("list[bytes | None]", await redis.mget(keys))


async def _page(redis: Redis, cursor: int, pattern: bytes) -> tuple[int, list[bytes]]:
    return cast("tuple[int, list[bytes]]", await redis.scan(cursor, match=pattern, count=_PAGE))


def _literal(text: bytes) -> bytes:
    r"""``text`` in a pattern of Redis, where ``* ? [ ] \`` mean something."""
    return b"".join(b"\\" + bytes([each]) if each in b"*?[]\\" else bytes([each]) for each in text)


plugin = CachePlugin(RedisSettings, RedisStore, shared=True)
