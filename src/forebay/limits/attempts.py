"""Counts wrong attempts at secrets in a Redis, for all processes that share it; while it is away each for itself."""

import contextlib
from importlib import resources
from typing import Final

from forebay.core.attempts import OF_ALL, OF_ONE, Attempts, network, too_many
from forebay.redis.connection import AwayError, Connection, Owner, parsed
from forebay.settings import LimitsSettings

CONNECTIONS: Final = 4


class AttemptCounter:
    """The Redis that ``settings`` name, for every kind of secret.

    Raises:
        ValueError: they name none.
    """

    def __init__(self, settings: LimitsSettings) -> None:
        if settings.url is None:
            raise ValueError("no URL")
        owner = Owner("the limits' Redis", "each process counts wrong attempts for itself")
        url = parsed(settings.url.reveal())
        self._connection = Connection(url, settings.timeout, settings.pause, CONNECTIONS, owner)
        # One slot of a cluster for all: a script may touch no other.
        self._prefix = f"{settings.prefix}{{attempts}}:"
        self._script = resources.files("forebay.limits").joinpath("attempt.lua").read_text(encoding="utf-8")

    async def start(self) -> None:
        """Connect, if it answers."""
        self._connection.open()
        with contextlib.suppress(AwayError):
            await self._connection.connect(1)

    async def close(self) -> None:
        """Close all connections."""
        await self._connection.close()

    def of(self, what: str, own: Attempts) -> "SharedAttempts":
        """The attempts at ``what``; ``own`` counts while the server is away."""
        return SharedAttempts(self, what, own)

    async def take(self, what: str, address: str, count: int) -> float:
        """Take so many (negative: they come back); else the seconds until there is one.

        Raises:
            AwayError: it does not answer.
        """
        start = f"{self._prefix}{what}:"
        keys = [f"{start}of:{network(address)}", f"{start}all"]
        arguments = [count, *OF_ONE, *OF_ALL]
        told = await self._connection.within(lambda redis: redis.register_script(self._script)(keys, arguments))
        return float(told)


class SharedAttempts:
    """`Attempts` at one kind of secret."""

    def __init__(self, counter: AttemptCounter, what: str, own: Attempts) -> None:
        self._counter = counter
        self._what = what
        self._own = own

    async def begin(self, address: str) -> None:
        """Count an attempt, as wrong until it has `succeeded`.

        Raises:
            RateLimitError: there were too many; ``retry-after`` says when there may be another.
        """
        try:
            seconds = await self._counter.take(self._what, address, 1)
        except AwayError:
            await self._own.begin(address)
        else:
            if seconds > 0:
                raise too_many(seconds)

    async def succeeded(self, address: str) -> None:
        """The last attempt was right, and does not count."""
        try:
            await self._counter.take(self._what, address, -1)
        except AwayError:
            await self._own.succeeded(address)
