"""Watches a vLLM that somebody else has started; it looks like a supervisor to who asks."""

import asyncio
import contextlib
import logging
import time

from forebay.providers.child.supervisor import HEALTH_EVERY
from forebay.providers.vllm.endpoint import Endpoint

logger = logging.getLogger("forebay.engines")


class Attached:
    """The vLLM at ``endpoint``, called ``name`` in the log; it need not run yet.

    It counts as gone when it has not said that it is healthy for ``patience`` seconds: one that has much to do may be
    late, and one that is gone refuses connections anyway.
    """

    def __init__(self, name: str, endpoint: Endpoint, patience: float) -> None:
        self._name = name
        self._endpoint = endpoint
        self._patience = patience
        self._healthy_at = float("-inf")
        self._healthy = False
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look whether it is there, and go on looking."""
        await self._look()
        if not self._healthy:
            logger.warning("%s: does not answer yet", self._name)
        self._watching = asyncio.create_task(self._watch(), name=f"watch over {self._name}")

    async def close(self) -> None:
        """Stop looking; it goes on running."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching

    def failure(self) -> str | None:
        """Why nothing can be asked of it now."""
        return None if self._healthy else "it does not answer GET /health"

    def retry_after(self) -> int:
        """When it will have been looked at again."""
        return round(HEALTH_EVERY)

    @property
    def restarts(self) -> int:
        """None: it is not ours to start."""
        return 0

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(HEALTH_EVERY)
            await self._look()

    async def _look(self) -> None:
        if await self._endpoint.healthy():
            self._healthy_at = time.monotonic()
        healthy = time.monotonic() - self._healthy_at < self._patience
        if healthy != self._healthy:
            logger.info("%s: %s", self._name, "answers" if healthy else "does not answer any more")
        self._healthy = healthy
