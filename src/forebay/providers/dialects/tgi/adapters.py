"""Which LoRA adapters a call may ask for: those that the configuration names, and no other.

The servers would load whatever a request names, from anywhere, and keep it in their memory.
"""

from collections.abc import Mapping, Sequence

import msgspec

from forebay.core.adapters import AdapterSource
from forebay.core.errors import InvalidRequestError, ModelNotFoundError
from forebay.core.types import ADAPTER_MARK, Call, Deployment, Reply
from forebay.providers.dialects.dialect import Dialect
from forebay.providers.dialects.provider import DialectProvider
from forebay.providers.dialects.settings import DialectSettings

_FIXED = "The adapters of this provider are those that its configuration names."


def adapter_of(model: str, adapters: Mapping[str, str]) -> str | None:
    """The id of the adapter in ``model:adapter``; ``None`` for the model itself.

    Raises:
        ModelNotFoundError: there is no such adapter.
    """
    _, mark, name = model.rpartition(ADAPTER_MARK)
    if not mark:
        return None
    if name not in adapters:
        raise ModelNotFoundError(f"There is no adapter '{name}' of this model.", param="model")
    return adapters[name]


class AdaptedProvider(DialectProvider):
    """One whose model takes adapters; its dialect sees the model as ``model:adapter``."""

    def __init__(
        self,
        name: str,
        dialect: Dialect,
        settings: DialectSettings,
        headers: Mapping[str, str],
        *,
        adapters: Sequence[str],
    ) -> None:
        super().__init__(name, dialect, settings, headers)
        self._adapters = adapters

    async def answer(self, call: Call, deployment: Deployment) -> Reply:
        """Answer with the adapter that the call asks for.

        Raises:
            ForebayError: there is no such adapter, or the server failed.
        """
        if deployment.adapter:
            model = f"{deployment.model}{ADAPTER_MARK}{deployment.adapter}"
            deployment = msgspec.structs.replace(deployment, model=model)
        return await super().answer(call, deployment)

    async def adapters(self, deployment: Deployment, /) -> Sequence[str]:  # noqa: ARG002  # the port's
        """Those of the configuration."""
        return self._adapters

    async def load_adapter(self, deployment: Deployment, source: AdapterSource, /) -> None:  # noqa: ARG002  # the port's
        """Never.

        Raises:
            InvalidRequestError: always.
        """
        raise InvalidRequestError(_FIXED, param="lora_name")

    async def unload_adapter(self, deployment: Deployment, name: str, /) -> None:  # noqa: ARG002  # the port's
        """Never.

        Raises:
            InvalidRequestError: always.
        """
        raise InvalidRequestError(_FIXED, param="lora_name")
