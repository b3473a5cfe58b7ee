"""Speaks to a Redis or Valkey, and leaves one that does not answer alone for a while.

By redis-py: it is Redis' own client, kept by its makers, reads RESP in C (hiredis) and speaks to Valkey too. Time-out
and breaker are around every command, so an outage costs one request in a while the time-out.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeVar

try:
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError, ResponseError
except ImportError as missing:
    raise ImportError("Redis needs redis-py: pip install 'forebay[redis]'") from missing

from forebay.redis.breaker import Breaker

T = TypeVar("T")

logger = logging.getLogger("forebay.redis")

PATIENCE: Final = 5.0
"""How many seconds a command may take that nobody's request waits for."""

CONNECT_SECONDS: Final = 2.0
"""How long connecting may take, where nobody's request waits for it."""


_QUIET: Final = 60.0
"""Seconds between two lines in the log about the same kind of refusal."""

_KINDS: Final = 32


class AwayError(Exception):
    """The server cannot be asked now."""


class RefusedError(AwayError):
    """The server answers, and will not do what it was asked."""


class Owner(NamedTuple):
    """Whose connection it is, and what becomes of requests while the server is away: both for the log."""

    name: str
    without: str


class Connection:
    """Up to ``most`` connections to ``url``; a command may take ``timeout`` seconds, a ``pause`` follows a failure."""

    def __init__(self, url: str, timeout: float, pause: float, most: int, owner: Owner) -> None:
        self._url = url
        self._timeout = timeout
        self._most = most
        self._owner = owner
        self._breaker = Breaker(pause)
        self._redis: Redis | None = None
        self._refused: dict[str, float] = {}
        self.failures = 0

    @property
    def is_up(self) -> bool:
        """Whether the server answers, as far as is known."""
        return self._breaker.is_closed

    def open(self) -> None:
        """Connections are made when they are needed, and made again when they are lost."""
        pool = BlockingConnectionPool.from_url(
            parsed(self._url),
            max_connections=self._most,
            timeout=None,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=max(self._timeout, CONNECT_SECONDS),
        )
        self._redis = Redis(connection_pool=pool)

    async def connect(self, count: int) -> None:
        """Make ``count`` connections ahead, so that a first burst of commands has its time-out for the answers alone.

        Raises:
            AwayError: the server does not answer.
        """

        async def greet(redis: Redis) -> None:
            # Commands at the same moment take a connection each.
            await asyncio.gather(*(redis.ping() for _ in range(count)))

        await self.within(greet, CONNECT_SECONDS)

    async def within(self, command: Callable[[Redis], Awaitable[T]], seconds: float | None = None) -> T:
        """What ``command`` answers, if it does in time and there is any hope.

        Raises:
            RefusedError: it answers that it will not.
            AwayError: it does not, or there is none.
        """
        redis, breaker = self._redis, self._breaker
        if redis is None or not breaker.admit():
            raise AwayError("Redis cannot be reached")
        try:
            async with asyncio.timeout(seconds or self._timeout):
                answer = await command(redis)
        except ResponseError as error:
            # It answers: what it refuses (a full memory, a key of another type) says nothing about the next command.
            breaker.succeeded()
            self._refuse(error)
            raise RefusedError(f"Redis: {error}") from None
        except (RedisError, OSError, TimeoutError) as error:
            self._fail(error)
            raise AwayError(f"Redis: {type(error).__name__}") from None
        except BaseException:
            breaker.undecided()
            raise
        if not breaker.is_closed:
            logger.warning("%s answers again", self._owner.name)
        breaker.succeeded()
        return answer

    async def close(self) -> None:
        """Close all connections."""
        redis, self._redis = self._redis, None
        if redis is not None:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await redis.aclose(close_connection_pool=True)

    def _refuse(self, error: Exception) -> None:
        """Say each kind of it once in a while."""
        self.failures += 1
        kind, now = str(error).partition(" ")[0], time.monotonic()
        if now - self._refused.get(kind, -_QUIET) >= _QUIET and len(self._refused) < _KINDS:
            self._refused[kind] = now
            logger.warning("%s refuses a command: %s", self._owner.name, str(error)[:200])

    def _fail(self, error: Exception) -> None:
        """Say it once for each outage: a line for each request would only add to it."""
        self.failures += 1
        if self._breaker.is_closed:
            name, without = self._owner
            logger.warning("%s does not answer (%s): %s", name, type(error).__name__, without)
        self._breaker.failed()


def parsed(url: str) -> str:
    """``url`` as redis-py knows it; Valkey's is the same by another name.

    Raises:
        ValueError: it means nothing.
    """
    known = "redis" + url.removeprefix("valkey") if url.startswith("valkey") else url
    BlockingConnectionPool.from_url(known)
    return known
