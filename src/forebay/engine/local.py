"""What every provider whose model is in this process has in common: the model comes and goes as it is wanted."""

import time
from collections.abc import Callable, Mapping
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from forebay.core.patience import in_time
from forebay.core.types import Call, Deployment, Reply
from forebay.engine.residency import Residency
from forebay.engine.resident import Model, Resident
from forebay.settings import Duration

M = TypeVar("M", bound=Model)


class LocalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a model is in memory: from the ``start``, or on ``demand``; until ``unload_after`` seconds without use.

    Left out, it stays.
    """

    load: Literal["start", "demand"] = "start"
    unload_after: Annotated[Duration, Meta(gt=0)] | None = None


class LocalProvider(Generic[M]):
    """A provider, called ``name``, of one model, which ``make`` makes."""

    def __init__(self, name: str, make: Callable[[], M], settings: LocalSettings) -> None:
        self.resident = Resident(name, make, settings.unload_after)
        self._load = settings.load

    def live_in(self, residency: Residency) -> None:
        """Share the memory that ``residency`` gives out."""
        self.resident.residency = residency

    async def start(self) -> None:
        """Load the model if it is to be loaded at the start; fetch and convert it first if need be.

        Raises:
            LibraryError: it cannot be had, or is not whole.
            RuntimeError: it cannot be used; the message says why.
            NoRoomError: there is too little memory for it.
        """
        await (self.resident.load() if self._load == "start" else self.resident.start())

    async def close(self) -> None:
        """Unload the model; those who still wait are told."""
        await self.resident.close()

    def failure(self) -> str | None:
        """It can answer from its start to its end, unless its model has failed or could not be loaded."""
        return self.resident.failure()

    def gauges(self) -> Mapping[str, float]:
        """What it is doing, for metrics."""
        return self.resident.gauges()

    async def answer(self, call: Call, deployment: Deployment, /) -> Reply:
        """Have the model answer, once it is in memory; that has as much time as ``deployment`` has for a first token.

        Raises:
            ForebayError: the request cannot be answered, or not now, or not in time.
        """
        call.trace.provider_started = asked = time.perf_counter()

        async def ask(model: M) -> Reply:
            try:
                return await model.answer(call, deployment)
            finally:
                call.trace.provider_started = asked  # Loading is the provider's time.

        answering = self.resident.answer(ask, within=deployment.timeouts.first_token)
        return await in_time(answering, deployment.timeouts, stream=call.request.stream)
