"""The embedded engine as a provider of the gateway: one model, in the server's own process."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from forebay.core.adapters import AdapterSource
from forebay.core.marking import Watermark
from forebay.core.marks import Tokens
from forebay.core.types import Deployment, Operation
from forebay.engine import library
from forebay.engine.adapter_folder import AdapterFolder
from forebay.engine.local import LocalProvider
from forebay.engine.marks import Marks
from forebay.engine.model import LocalModel, no_adapters
from forebay.engine.options import EngineSettings
from forebay.engine.reading import Reading
from forebay.plugins import Progress, ProviderPlugin


class EngineProvider(LocalProvider[LocalModel]):
    """One model on this machine's CPU."""

    def __init__(self, settings: EngineSettings, name: str = "engine") -> None:
        self._folder = AdapterFolder(Path(settings.adapters.folder)) if settings.adapters else None
        self._renamed: dict[str, str] = {}
        self._marks = Marks(settings.watermark is None or settings.watermark.default)
        self._reading = Reading(settings.model)
        super().__init__(name, partial(LocalModel, settings, self._renamed, self._marks), settings)

    @property
    def operations(self) -> frozenset[Operation]:
        """Chats, the length of their prompts, and completions."""
        return frozenset({Operation.CHAT, Operation.COMPLETION, Operation.COUNT})

    @property
    def marks(self) -> bool:
        """Whether its answers can have a watermark."""
        return self._marks.watermark is not None

    def mark_with(self, watermark: Watermark | None, /) -> None:
        """Mark with ``watermark`` whatever is asked from now on."""
        self._marks.watermark = watermark

    async def tokens(self, deployment: Deployment, text: str, /) -> Tokens:  # noqa: ARG002  # there is one model
        """The tokens of ``text``, whether the model is in memory or not.

        Raises:
            UnavailableError: its tokenizer cannot be loaded.
        """
        return await self._reading.tokens(text)

    # There is but one model, so what deployment is meant does not matter to its adapters.

    async def adapters(self, deployment: Deployment, /) -> Sequence[str]:  # noqa: ARG002
        """The adapters in the folder, whether they (and their model) are loaded or not."""
        if self._folder is None:
            raise no_adapters()
        found = await asyncio.to_thread(self._folder.names)
        return sorted({*found, *self._renamed})

    async def load_adapter(self, deployment: Deployment, source: AdapterSource, /) -> None:
        """Load an adapter now, perhaps under another name than its folder's; its model too, if need be.

        Raises:
            ForebayError: it cannot be used, or not now.
        """
        await self.resident.use(lambda model: model.adapters.load(source), within=deployment.timeouts.first_token)

    async def unload_adapter(self, deployment: Deployment, name: str, /) -> None:
        """Unload an adapter once nobody uses it; one in the folder is loaded again when somebody asks for it.

        Raises:
            ForebayError: it is not loaded, or in use for too long.
        """
        if not self.resident.is_present and name in self._renamed:
            del self._renamed[name]
            return
        await self.resident.use(lambda model: model.adapters.unload(name), within=deployment.timeouts.first_token)


def _build(name: str, settings: EngineSettings) -> EngineProvider:
    return EngineProvider(settings, name)


def _prepare(settings: EngineSettings, progress: Progress) -> None:
    library.ensure(settings.model, progress)


plugin = ProviderPlugin(settings=EngineSettings, build=_build, prepare=_prepare, per_host=True, own=True)
