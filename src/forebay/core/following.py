"""Follows what several processes share in a store: looks every so often whether there is something new."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from forebay.core.errors import UnavailableError

logger = logging.getLogger("forebay.store")


class Following:
    """Calls ``look`` at once and then every ``seconds``; ``blind`` is what the log says, once, while it cannot.

    Whoever closes it waits for the look that is under way. It is not cancelled: a connection that is just being made
    would never be closed.
    """

    def __init__(self, look: Callable[[], Awaitable[None]], seconds: float, blind: str) -> None:
        self._look = look
        self._seconds = seconds
        self._blind = blind
        self._is_blind = False
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look once, and go on looking."""
        await self._try()
        self._task = asyncio.create_task(self._go_on(), name="following")

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._closing.set()
            await self._task
            self._task = None

    async def _go_on(self) -> None:
        while not await self._closed_within(self._seconds):
            await self._try()

    async def _closed_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        return self._closing.is_set()

    async def _try(self) -> None:
        try:
            await self._look()
        except UnavailableError:
            if not self._is_blind:
                logger.warning("%s while the store is away", self._blind)
            self._is_blind = True
        else:
            self._is_blind = False
