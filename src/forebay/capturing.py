"""Writes captured bodies into the store, behind the requests: put together, masked, in batches, and deleted in time.

What waits is bounded by its bytes; what comes while there is no room, or cannot be masked, is not captured.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from forebay.core.captures import Capture, CaptureBook
from forebay.core.decode import MALFORMED
from forebay.core.errors import UnavailableError
from forebay.core.verdicts import Side
from forebay.gateway.cache.collect import assembled
from forebay.gateway.capture import Taken
from forebay.gateway.guarding.masking import Masker, UnjudgedError
from forebay.gateway.guarding.rules import Rules
from forebay.settings import CaptureSettings

logger = logging.getLogger("forebay.capture")

WAITING_BYTES: Final = 32 * 1024 * 1024
BATCH: Final = 64
PAUSE_SECONDS: Final = 0.25
FORGET_SECONDS: Final = 300.0
CLOSE_SECONDS: Final = 5.0


class Captures:
    """Takes captures; ``settings`` and ``rules`` are those of the configuration that serves now."""

    def __init__(self, book: CaptureBook, settings: Callable[[], CaptureSettings], rules: Callable[[], Rules]) -> None:
        self._book = book
        self._settings = settings
        self._rules = rules
        self._waiting: deque[Taken] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._forget_at = 0.0
        self.lost = 0

    def take(self, taken: Taken) -> None:
        """Keep ``taken`` until it is written."""
        size = _size(taken)
        if self._bytes + size > WAITING_BYTES:
            self.lost += 1
            return
        self._bytes += size
        self._waiting.append(taken)

    async def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="captures")

    async def close(self) -> None:
        """Write what waits, as far as the store takes it soon."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with contextlib.suppress(UnavailableError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.write()
        if self.lost or self._waiting:
            logger.warning("%d bodies were not captured", self.lost + len(self._waiting))

    async def write(self) -> None:
        """Write everything that waits.

        Raises:
            UnavailableError: the store does not take it; what was not written waits on.
        """
        while self._waiting:
            some = [self._waiting[number] for number in range(min(BATCH, len(self._waiting)))]
            masker = Masker(tuple(rule for rule in self._rules() if rule.name in self._settings().mask))
            made = [each for taken in some if (each := await self._made(taken, masker)) is not None]
            if made:
                await self._book.add(made)
            for taken in some:
                self._waiting.popleft()
                self._bytes -= _size(taken)

    async def _made(self, taken: Taken, masker: Masker) -> Capture | None:
        capture = taken.capture
        try:
            reply = capture.reply
            if taken.events:
                whole = await asyncio.to_thread(assembled, taken.operation, taken.events, taken.usage)
                reply = whole or b""
            return msgspec.structs.replace(
                capture,
                request=await masker.masked(capture.request, Side.INPUT, capture.tenant),
                reply=await masker.masked(reply, Side.OUTPUT, capture.tenant),
            )
        except (UnjudgedError, *MALFORMED) as error:
            self.lost += 1
            logger.warning("request %s was not captured: %s", capture.id, type(error).__name__)
            return None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            with contextlib.suppress(UnavailableError):
                await self.write()
                await self._forget()

    async def _forget(self) -> None:
        if time.monotonic() >= self._forget_at:
            settings = self._settings()
            await self._book.forget(time.time() - settings.retention, settings.max_size)
            self._forget_at = time.monotonic() + FORGET_SECONDS


def _size(taken: Taken) -> int:
    return len(taken.capture.request) + len(taken.capture.reply) + len(taken.events)
