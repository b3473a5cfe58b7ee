"""The cache's connection to a Redis or Valkey: what fails there is the cache's failure."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

from forebay.core.entries import CacheUnavailableError
from forebay.redis import connection
from forebay.redis.connection import PATIENCE, AwayError, Owner, parsed

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["PATIENCE", "Connection", "RefusedError", "parsed"]

T = TypeVar("T")

_CACHE: Final = Owner("the cache's Redis", "requests go on without it")


class RefusedError(CacheUnavailableError):
    """The server answers, and will not do what it was asked."""


class Connection(connection.Connection):
    """The same, with the cache's errors."""

    def __init__(self, url: str, timeout: float, pause: float, most: int) -> None:
        super().__init__(url, timeout, pause, most, _CACHE)

    async def within(self, command: "Callable[[Redis], Awaitable[T]]", seconds: float | None = None) -> T:
        """What ``command`` answers, if it does in time and there is any hope.

        Raises:
            RefusedError: it answers that it will not.
            CacheUnavailableError: it does not, or there is none.
        """
        try:
            return await super().within(command, seconds)
        except connection.RefusedError as error:
            raise RefusedError(str(error)) from None
        except AwayError as error:
            raise CacheUnavailableError(str(error)) from None
