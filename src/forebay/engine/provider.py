"""The embedded engine as a provider of the gateway: one model, in the server's own process."""

from collections.abc import Mapping

from forebay.core.types import Call, Deployment, Operation, Reply
from forebay.engine import library
from forebay.engine.model import LocalModel
from forebay.engine.options import EngineSettings
from forebay.plugins import Progress, ProviderPlugin


class EngineProvider:
    """One model on this machine's CPU."""

    def __init__(self, settings: EngineSettings) -> None:
        self._model = LocalModel(settings)

    @property
    def operations(self) -> frozenset[Operation]:
        """Chats and completions."""
        return frozenset({Operation.CHAT, Operation.COMPLETION})

    async def start(self) -> None:
        """Load the model; fetch and convert it first if need be.

        Raises:
            LibraryError: it cannot be had, or is not whole.
            RuntimeError: it cannot be used; the message says why.
        """
        await self._model.start()

    async def close(self) -> None:
        """Stop the model's threads; those who still wait are told."""
        await self._model.close()

    def failure(self) -> str | None:
        """It can answer from its start to its end, unless its thread has died."""
        return self._model.failure()

    def gauges(self) -> Mapping[str, float]:
        """What the engine is doing, for metrics."""
        return self._model.gauges()

    async def answer(self, call: Call, deployment: Deployment, /) -> Reply:  # noqa: ARG002 - there is but one model
        """Answer a chat or a completion.

        Raises:
            ForebayError: the request cannot be answered, or not now.
        """
        return await self._model.answer(call)


def _build(_name: str, settings: EngineSettings) -> EngineProvider:
    return EngineProvider(settings)


def _prepare(settings: EngineSettings, progress: Progress) -> None:
    library.ensure(settings.model, progress)


plugin = ProviderPlugin(settings=EngineSettings, build=_build, prepare=_prepare, per_host=True)
