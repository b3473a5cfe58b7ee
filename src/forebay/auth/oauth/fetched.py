"""Something that an issuer publishes, kept in memory: fetched when it is needed, never twice at once."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from forebay.core.errors import ForebayError

logger = logging.getLogger("forebay.auth")

T = TypeVar("T")

Fetch = Callable[[str], Awaitable[bytes]]
"""What is at a URL, of bounded size and within bounded time. Raises `ForebayError` where there is nothing."""

TTL: Final = 600.0
STALE: Final = 12 * 3600.0
COOL_DOWN: Final = 30.0
"""So much time must have passed since the last fetch, or the last failure, before another one is worth it."""


class Fetched(Generic[T]):
    """What ``load`` brings; while it fails, what was there last goes on for `STALE`.

    ``load`` raises `ForebayError` or ``ValueError`` where there is nothing of use; ``what`` names it in the log.
    """

    def __init__(self, what: str, load: Callable[[], Awaitable[T]]) -> None:
        self._what = what
        self._load = load
        self._value: T | None = None
        self._loaded = self._tried = float("-inf")
        self._flight: asyncio.Task[None] | None = None

    @property
    def is_cool(self) -> bool:
        """Whether the last fetch is long enough ago for another one."""
        return time.monotonic() - self._tried > COOL_DOWN

    async def value(self) -> T | None:
        """What is published; ``None`` where it cannot be had."""
        if time.monotonic() - self._loaded > TTL and self.is_cool:
            await self.refresh()
        return None if time.monotonic() - self._loaded > STALE else self._value

    async def refresh(self) -> None:
        """Take part in the fetch that is under way, or begin one; who leaves does not end it for the others."""
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._fetch(), name=self._what)
        await asyncio.shield(self._flight)

    async def close(self) -> None:
        """Stop fetching."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)

    async def _fetch(self) -> None:
        self._tried = time.monotonic()
        try:
            self._value = await self._load()
        except (ForebayError, ValueError) as error:
            logger.warning("%s cannot be fetched: %s", self._what, error)
        else:
            self._loaded = time.monotonic()
