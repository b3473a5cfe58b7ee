"""LoRA adapters of a vLLM: which there are, and having vLLM load them.

Where Forebay starts vLLM, an adapter is a folder within one folder, and is loaded when it is first asked for, so that
it need not be loaded anew for nobody when vLLM was started again. Elsewhere vLLM alone knows what it can load.
"""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from forebay.core.adapters import AdapterSource
from forebay.core.errors import InvalidRequestError, ModelNotFoundError, NotFoundError
from forebay.core.types import ADAPTER_MARK
from forebay.providers.vllm.endpoint import Endpoint

CONFIG: Final = "adapter_config.json"
LOAD: Final = b"/v1/load_lora_adapter"
UNLOAD: Final = b"/v1/unload_lora_adapter"

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


class RemoteAdapters:
    """Those of a vLLM that somebody else has started; it calls them ``model:adapter``."""

    async def names(self, endpoint: Endpoint, model: str) -> Sequence[str]:
        """What it has loaded."""
        prefix = model + ADAPTER_MARK
        listed = (each.id for each in await endpoint.models() if each.parent is not None)
        return [name.removeprefix(prefix) for name in listed if name.startswith(prefix)]

    async def ready(self, endpoint: Endpoint, model: str, name: str) -> str:  # noqa: ARG002  # as in `FolderAdapters`
        """How it calls an adapter; whether there is one it says itself."""
        return model + ADAPTER_MARK + _checked(name)

    async def load(self, endpoint: Endpoint, model: str, source: AdapterSource) -> None:
        """Have it load an adapter; the path is one where vLLM runs.

        Raises:
            ForebayError: it refused.
        """
        name = model + ADAPTER_MARK + _checked(source.name)
        await endpoint.post(LOAD, {"lora_name": name, "lora_path": source.path, "load_inplace": source.replace})

    async def unload(self, endpoint: Endpoint, model: str, name: str) -> None:
        """Have it forget an adapter.

        Raises:
            NotFoundError: it does not know it.
            ForebayError: it refused.
        """
        if name not in await self.names(endpoint, model):
            raise NotFoundError(f"There is no adapter '{name}' that is loaded.", param="lora_name")
        await endpoint.post(UNLOAD, {"lora_name": model + ADAPTER_MARK + name})


class FolderAdapters(RemoteAdapters):
    """Those in ``folder``, or none without one, of the vLLM that was started last."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder.expanduser().resolve() if folder else None
        self._endpoint: Endpoint | None = None
        self._loaded: set[str] = set()
        self._given: dict[str, Path] = {}
        self._lock = asyncio.Lock()

    async def names(self, endpoint: Endpoint, model: str) -> Sequence[str]:  # noqa: ARG002  # the folder says it
        """Those in the folder, and what was loaded from it under another name."""
        found = await asyncio.to_thread(_adapters, self._folder) if self._folder else []
        return sorted({*found, *self._given})

    async def ready(self, endpoint: Endpoint, model: str, name: str) -> str:
        """How vLLM calls an adapter, which is loaded if it is not.

        Raises:
            ModelNotFoundError: there is none of that name.
            ForebayError: vLLM refused to load it.
        """
        if endpoint is not self._endpoint or name not in self._loaded:
            path = self._given.get(name) or self._found(name)
            if path is None or not await asyncio.to_thread((path / CONFIG).is_file):
                raise ModelNotFoundError(f"There is no adapter '{name}' of this model.", param="model")
            async with self._lock:
                await self._load(endpoint, model, AdapterSource(name, str(path)))
        return model + ADAPTER_MARK + name

    async def load(self, endpoint: Endpoint, model: str, source: AdapterSource) -> None:
        """Load what lies at a path within the folder.

        Raises:
            InvalidRequestError: the path leads out of the folder, there is no folder, or it is loaded already.
            NotFoundError: there is no adapter at that path.
            ForebayError: vLLM refused.
        """
        if self._folder is None:
            raise InvalidRequestError("This model takes no adapters: its provider has no 'adapters' folder.")
        name = _checked(source.name)
        path = await asyncio.to_thread((self._folder / source.path).resolve)
        if not path.is_relative_to(self._folder):
            raise InvalidRequestError("'lora_path' leads out of the folder of adapters.", param="lora_path")
        if not await asyncio.to_thread((path / CONFIG).is_file):
            raise NotFoundError(f"There is no adapter at '{source.path}': it has no {CONFIG}.", param="lora_path")
        async with self._lock:
            if self._is_loaded(endpoint, name) and not source.replace:
                raise InvalidRequestError(
                    f"The adapter '{name}' is loaded already; 'load_inplace': true replaces it.", param="lora_name"
                )
            await self._load(endpoint, model, AdapterSource(name, str(path), source.replace))
            self._given[name] = path

    async def unload(self, endpoint: Endpoint, model: str, name: str) -> None:
        """Free what an adapter holds; one that lies in the folder can be asked for, and is loaded, again.

        Raises:
            NotFoundError: it is not loaded.
            ForebayError: vLLM refused.
        """
        async with self._lock:
            if not self._is_loaded(endpoint, name) and name not in self._given:
                raise NotFoundError(f"There is no adapter '{name}' that is loaded.", param="lora_name")
            if self._is_loaded(endpoint, name):
                await endpoint.post(UNLOAD, {"lora_name": model + ADAPTER_MARK + name})
            self._loaded.discard(name)
            self._given.pop(name, None)

    async def _load(self, endpoint: Endpoint, model: str, source: AdapterSource) -> None:
        if not self._is_loaded(endpoint, source.name) or source.replace:
            await super().load(endpoint, model, source)
            self._loaded.add(source.name)

    def _is_loaded(self, endpoint: Endpoint, name: str) -> bool:
        if endpoint is not self._endpoint:  # another vLLM, which knows nothing yet
            self._endpoint, self._loaded = endpoint, set()
        return name in self._loaded

    def _found(self, name: str) -> Path | None:
        return self._folder / name if self._folder and _NAME.fullmatch(name) else None


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidRequestError(
            "The name of an adapter has letters, digits, '_', '-' and '.', at most 128.", param="lora_name"
        )
    return name


def _adapters(folder: Path) -> list[str]:
    """The names of the adapters that lie in ``folder``."""
    return [config.parent.name for config in folder.glob(f"*/{CONFIG}") if _NAME.fullmatch(config.parent.name)]
