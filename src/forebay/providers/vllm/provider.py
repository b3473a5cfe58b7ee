"""vLLM as a provider: a supervisor sees to it that there is one, and the provider for OpenAI's API answers with it."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from forebay.core.adapters import AdapterSource
from forebay.core.errors import UnavailableError
from forebay.core.families import Family
from forebay.core.types import Call, Deployment, Operation, Reply
from forebay.plugins import PreparationError, Progress, ProviderPlugin
from forebay.providers.child.supervisor import Supervisor
from forebay.providers.vllm.adapters import FolderAdapters, RemoteAdapters
from forebay.providers.vllm.attached import Attached
from forebay.providers.vllm.command import program
from forebay.providers.vllm.endpoint import Endpoint
from forebay.providers.vllm.engine import VLLMEngine
from forebay.providers.vllm.figures import Figures
from forebay.providers.vllm.settings import VLLMSettings


class Life(Protocol):
    """Who looks after a vLLM."""

    async def start(self) -> None:
        """Have it answer, or find out whether it does."""

    async def close(self) -> None:
        """Look after it no longer."""

    def failure(self) -> str | None:
        """Why it cannot answer now."""

    def retry_after(self) -> int:
        """In how many seconds it may."""

    @property
    def restarts(self) -> int:
        """How often it was started again."""


class Source(Protocol):
    """Where the vLLM of now is; after a restart it may be somewhere else."""

    @property
    def endpoint(self) -> Endpoint | None:
        """It, if it was ever started."""

    async def close(self) -> None:
        """Close the connections to it."""


class VLLMProvider:
    """One vLLM, called ``name`` in errors and in the log."""

    def __init__(self, name: str, settings: VLLMSettings) -> None:
        self._name = name
        self._settings = settings
        self._source, self._life = _started(name, settings) if settings.url is None else _attached(name, settings)
        folder = Path(settings.adapters) if settings.adapters is not None else None
        self._adapters = FolderAdapters(folder) if settings.url is None else RemoteAdapters()
        self._figures = Figures(name, self._metrics)

    @property
    def operations(self) -> frozenset[Operation]:
        """Chats and completions, or embeddings; everything of a vLLM that is not ours."""
        return self._settings.operations

    async def start(self) -> None:
        """Start vLLM and wait for it.

        Raises:
            StartError: it ended, or was not ready in time.
        """
        await self._life.start()
        self._figures.start()

    async def answer(self, call: Call, deployment: Deployment, /) -> Reply:
        """Relay ``call``.

        Raises:
            UnavailableError: vLLM is not ready; ``retry-after`` says when it may be.
            ForebayError: what vLLM said, in Forebay's terms, or that it said nothing.
        """
        endpoint = self._ready()
        model = self._model(deployment)
        if deployment.adapter:
            model = await self._adapters.ready(endpoint, model, deployment.adapter)
        return await endpoint.relay.answer(call, msgspec.structs.replace(deployment, model=model))

    async def adapters(self, deployment: Deployment, /) -> Sequence[str]:
        """The LoRA adapters that a call may ask for.

        Raises:
            ForebayError: vLLM is not ready.
        """
        return await self._adapters.names(self._ready(), self._model(deployment))

    async def load_adapter(self, deployment: Deployment, source: AdapterSource, /) -> None:
        """Have vLLM load one.

        Raises:
            ForebayError: there is none, or vLLM refused.
        """
        await self._adapters.load(self._ready(), self._model(deployment), source)

    async def unload_adapter(self, deployment: Deployment, name: str, /) -> None:
        """Have vLLM forget one.

        Raises:
            ForebayError: it is not loaded, or vLLM refused.
        """
        await self._adapters.unload(self._ready(), self._model(deployment), name)

    def failure(self) -> str | None:
        """Why it is not ready."""
        failure = self._life.failure()
        return f"vLLM cannot answer: {failure}" if failure else None

    def gauges(self) -> Mapping[str, float]:
        """Whether it is ready, and how often it was started again."""
        return {"ready": float(self._life.failure() is None), "restarts_total": float(self._life.restarts)}

    def families(self) -> Sequence[Family]:
        """The metrics of vLLM itself."""
        return self._figures.families()

    async def close(self) -> None:
        """End vLLM, if it was started here."""
        await self._figures.close()
        await self._life.close()
        await self._source.close()

    def _ready(self) -> Endpoint:
        failure, endpoint = self._life.failure(), self._source.endpoint
        if failure is not None or endpoint is None:
            raise UnavailableError(
                f"The provider '{self._name}' cannot answer: {failure}.",
                headers={"retry-after": str(self._life.retry_after())},
            )
        return endpoint

    def _model(self, deployment: Deployment) -> str:
        """The name under which vLLM knows its only model, whatever the configuration calls it."""
        return self._settings.served_name or deployment.model

    async def _metrics(self) -> str:
        return await self._ready().metrics()


class _Fixed:
    """A vLLM that stays where it is."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def close(self) -> None:
        await self.endpoint.close()


def _started(name: str, settings: VLLMSettings) -> tuple[Source, Life]:
    engine = VLLMEngine(name, settings)
    return engine, Supervisor(name, engine, settings.patience)


def _attached(name: str, settings: VLLMSettings) -> tuple[Source, Life]:
    url = str(settings.url).rstrip("/").removesuffix("/v1")
    endpoint = Endpoint(name, url, settings.api_key)
    return _Fixed(endpoint), Attached(name, endpoint, settings.health_timeout)


def _build(name: str, settings: VLLMSettings) -> VLLMProvider:
    return VLLMProvider(name, settings)


def _prepare(settings: VLLMSettings, _progress: Progress) -> None:
    """Find out at once what would only come out when everything else has been made ready.

    Raises:
        PreparationError: vLLM, the model's folder or that of the adapters is not there.
    """
    if settings.url is not None:
        return
    if sys.platform == "win32":
        raise PreparationError("Forebay can start vLLM on Linux and macOS only; give the 'url' of one that runs")
    program(settings)
    for key, path in (("model", settings.model), ("adapters", settings.adapters)):
        is_path = path is not None and (key == "adapters" or path.startswith((".", "/", "~")))
        if is_path and not Path(str(path)).expanduser().exists():
            raise PreparationError(f"there is no '{path}', which the key '{key}' names")


plugin = ProviderPlugin(settings=VLLMSettings, build=_build, prepare=_prepare, per_host=True, own=True)
