"""vLLM's own metrics, fetched from time to time, so that whoever asks Forebay for its figures never waits for vLLM."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from forebay.core.errors import ForebayError
from forebay.core.families import Family
from forebay.providers.prometheus import families
from forebay.providers.transport import TransportError

FETCH_EVERY: Final = 5.0
STALE_SECONDS: Final = 15.0
PREFIX: Final = "vllm:"

logger = logging.getLogger("forebay.engines")


class Figures:
    """The last metrics that ``fetch`` gave as text; none, once they are older than `STALE_SECONDS`."""

    def __init__(self, name: str, fetch: Callable[[], Awaitable[str]]) -> None:
        self._name = name
        self._fetch = fetch
        self._families: tuple[Family, ...] = ()
        self._at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Fetch from now on."""
        self._fetching = asyncio.create_task(self._fetch_forever(), name=f"figures of {self._name}")

    async def close(self) -> None:
        """Stop."""
        if self._fetching is not None:
            self._fetching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._fetching

    def families(self) -> tuple[Family, ...]:
        """What was last fetched, unless it is too old to be told."""
        return self._families if time.monotonic() - self._at <= STALE_SECONDS else ()

    async def _fetch_forever(self) -> None:
        while True:
            try:
                self._families = families(await self._fetch(), PREFIX)
                self._at = time.monotonic()
            except (ForebayError, TransportError) as error:
                logger.debug("%s: no metrics: %s", self._name, error)
            await asyncio.sleep(FETCH_EVERY)
