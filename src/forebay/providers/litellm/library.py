"""LiteLLM itself, imported when the first provider starts and left when the last one has closed.

Its switches are turned so that it asks nobody but the provider: no prices from the network, no telemetry, no ``.env``
of the folder it finds itself in, no hints on standard output.
"""

import asyncio
import importlib
import importlib.util
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import Any, Final

from forebay.core.types import Operation
from forebay.plugins import PreparationError

MISSING: Final = "LiteLLM is not installed: pip install 'forebay[litellm]'"
_ENVIRONMENT: Final = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "true",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
}
_SWITCHES: Final = {
    "telemetry": False,
    "suppress_debug_info": True,
    "disable_aiohttp_transport": True,
    "disable_hf_tokenizer_download": True,
    "user_url_validation": True,
}
_LOGGERS: Final = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")
_WARM: Final = [{"role": "user", "content": "Hi"}]


class Library:
    """The functions that are used, and who uses them."""

    def __init__(self) -> None:
        self._module: ModuleType | None = None
        self._users = 0
        self._loading = asyncio.Lock()

    async def enter(self) -> None:
        """Import it, in a thread; what it would import with the first request, too.

        Raises:
            PreparationError: it is not installed.
        """
        async with self._loading:
            if self._module is None:
                self._module = await asyncio.to_thread(_load)
            self._users += 1

    async def leave(self) -> None:
        """Close its connections and end its tasks, if nobody else uses it."""
        self._users -= 1
        if self._users == 0 and self._module is not None:
            worker = importlib.import_module("litellm.litellm_core_utils.logging_worker").GLOBAL_LOGGING_WORKER
            await self._module.close_litellm_async_clients()
            self._module.in_memory_llm_clients_cache.flush_cache()  # it would give out the closed ones
            await worker.stop()

    async def ask(self, operation: Operation, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401  # LiteLLM's types
        """Call the function for ``operation``.

        Raises:
            Exception: whatever it raises.
        """
        functions: Mapping[Operation, Callable[..., Awaitable[Any]]] = {
            Operation.CHAT: self._loaded.acompletion,
            Operation.COMPLETION: self._loaded.atext_completion,
            Operation.EMBEDDING: self._loaded.aembedding,
        }
        return await functions[operation](**parameters)

    @property
    def _loaded(self) -> ModuleType:
        assert self._module is not None  # noqa: S101  # a provider is started before it is asked
        return self._module


def check_installed() -> None:
    """Find it, without importing it.

    Raises:
        PreparationError: it is not installed.
    """
    if importlib.util.find_spec("litellm") is None:
        raise PreparationError(MISSING)


def _load() -> ModuleType:
    check_installed()
    os.environ.update(_ENVIRONMENT)
    module = importlib.import_module("litellm")
    for name, value in _SWITCHES.items():
        setattr(module, name, value)
    for name in _LOGGERS:  # what it raises is told; the rest is a line for every request
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for part in module.completion(model="openai/warm", messages=_WARM, mock_response="Hi", stream=True):
        del part
    return module
