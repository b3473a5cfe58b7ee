"""The embedded engine as a provider of the gateway: one model, in the server's own process."""

from collections.abc import Mapping, Sequence

from forebay.core.patience import in_time
from forebay.core.types import AdapterSource, Call, Deployment, Operation, Reply
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
        """Chats, the length of their prompts, and completions."""
        return frozenset({Operation.CHAT, Operation.COMPLETION, Operation.COUNT})

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

    async def answer(self, call: Call, deployment: Deployment, /) -> Reply:
        """Answer a chat or a completion.

        Raises:
            ForebayError: the request cannot be answered, or not now, or not in time.
        """
        answering = self._model.answer(call, deployment.adapter)
        return await in_time(answering, deployment.timeouts, stream=call.request.stream)

    # There is but one model, so what deployment is meant does not matter to its adapters.

    async def adapters(self, deployment: Deployment, /) -> Sequence[str]:  # noqa: ARG002
        """The adapters in the folder, whether they are loaded or not."""
        return await self._model.adapters.names()

    async def load_adapter(self, deployment: Deployment, source: AdapterSource, /) -> None:  # noqa: ARG002
        """Load an adapter now, perhaps under another name than its folder's.

        Raises:
            ForebayError: it cannot be used, or not now.
        """
        await self._model.adapters.load(source)

    async def unload_adapter(self, deployment: Deployment, name: str, /) -> None:  # noqa: ARG002
        """Unload an adapter once nobody uses it; one in the folder is loaded again when somebody asks for it.

        Raises:
            ForebayError: it is not loaded, or in use for too long.
        """
        await self._model.adapters.unload(name)


def _build(_name: str, settings: EngineSettings) -> EngineProvider:
    return EngineProvider(settings)


def _prepare(settings: EngineSettings, progress: Progress) -> None:
    library.ensure(settings.model, progress)


plugin = ProviderPlugin(settings=EngineSettings, build=_build, prepare=_prepare, per_host=True)
