"""An engine replica: the part of the configuration that holds models, asked by gateways through Serve's handles."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from ray import serve

from forebay.app import Host
from forebay.core.types import ADAPTER_MARK
from forebay.generation import generation
from forebay.process import calm_collector, configure_logging
from forebay.rayserve.asked import Asked, Head, answered
from forebay.rayserve.lifespan import living
from forebay.rayserve.parts import Source, engine_part
from forebay.rayserve.scaling import KV_USE

_USAGE: Final = "kv_cache_usage_ratio"


class Engine:
    """What Ray Serve makes replicas of."""

    async def __init__(self, source: Source, adapters: int) -> None:  # type: ignore[misc]  # Serve awaits it
        settings = await asyncio.to_thread(engine_part, source)
        configure_logging(settings.log)
        self._service = Host(await asyncio.to_thread(generation, settings), None, None).service
        self._placed = serve.multiplexed(max_num_models_per_replica=adapters)(_here)
        self._stack = contextlib.AsyncExitStack()
        await self._stack.enter_async_context(living(self._service.application))
        calm_collector()

    async def ask(self, request: Asked) -> AsyncIterator[Head | bytes]:
        """Answer one request; to leave it cancels the work.

        Raises:
            ServerError: there is no answer, or not all of it.
        """
        if adapter := serve.get_multiplexed_model_id():
            await self._placed(adapter)
        async with contextlib.aclosing(answered(self._service.application, request)) as answer:
            async for piece in answer:
                yield piece

    async def tell(self, request: Asked) -> tuple[Head, bytes]:
        """Answer a request that all replicas are asked, such as one for an adapter to be loaded.

        Raises:
            ServerError: there is no answer.
        """
        head, *pieces = [each async for each in answered(self._service.application, request)]
        assert isinstance(head, Head)  # noqa: S101  # it comes first
        return head, b"".join(each for each in pieces if isinstance(each, bytes))

    def check_health(self) -> None:
        """Say so where a model cannot answer: Serve puts another replica in this one's place.

        Raises:
            RuntimeError: with the reasons.
        """
        found = {name: why for name, each in self._service.current.providers.items() if (why := each.failure())}
        if found:
            raise RuntimeError("; ".join(f"{name}: {why}" for name, why in found.items()))

    def record_autoscaling_stats(self) -> dict[str, float]:
        """The share of the KV cache in use, of the model that uses most of its own."""
        gauges = [each.gauges() for each in self._service.current.providers.values()]
        used = [value for each in gauges for name, value in each.items() if name == _USAGE]
        return {KV_USE: max(used, default=0.0)}

    async def __del__(self) -> None:  # Serve awaits it, too
        """Stop, when Serve has waited for the last request."""
        await self._stack.aclose()


async def _here(adapter: str) -> str:
    """What Serve remembers of a replica that was sent requests for ``adapter``; the engine loads it by itself."""
    return adapter.rpartition(ADAPTER_MARK)[2]
