"""Asks deployments from time to time how they are, so that no request has to find out.

A provider that can be asked (`ports.Probed`) is; of another its `failure` counts.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable

from forebay.core.ports import Probed
from forebay.gateway.cooldown import judged
from forebay.gateway.target import Target
from forebay.settings import HealthSettings

logger = logging.getLogger("forebay.gateway")


class HealthChecks:
    """A task for each target that is to be watched, from `start` to `stop`."""

    def __init__(self, watched: Iterable[tuple[Target, HealthSettings]]) -> None:
        self._watched = tuple(watched)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Ask each now, and then again and again."""
        self._tasks = [
            asyncio.create_task(_watch(target, settings), name=f"health of {target.deployment.name}")
            for target, settings in self._watched
        ]

    async def stop(self) -> None:
        """Ask no more; who was found unhealthy and is watched no longer is asked like any other."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        for target, _ in self._watched:
            judged(target.live, "")


async def check(target: Target, settings: HealthSettings) -> None:
    """Ask once, and take note of the answer."""
    failure = await _failure(target, settings)
    if failure != (target.live.unhealthy or None):
        name = target.deployment.name
        logger.warning("%s %s", name, f"is unhealthy: {failure}" if failure else "is healthy again")
    judged(target.live, failure or "")


async def _watch(target: Target, settings: HealthSettings) -> None:
    while True:
        await check(target, settings)
        await asyncio.sleep(settings.interval)


async def _failure(target: Target, settings: HealthSettings) -> str | None:
    provider = target.provider
    if not isinstance(provider, Probed):
        return provider.failure()
    try:
        async with asyncio.timeout(settings.timeout):
            return await provider.probe(settings.path, settings.timeout)
    except TimeoutError:
        return f"no answer to {settings.path} within {settings.timeout:g} s"
