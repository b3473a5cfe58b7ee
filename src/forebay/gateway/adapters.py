"""The LoRA adapters of all models: which there are, loading and unloading them, and who may do that.

An adapter belongs to a model and is called ``model:adapter``. A model with several deployments has it wherever one of
them does; loading and unloading reach all of them.
"""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from forebay.core.adapters import AdapterSource
from forebay.core.errors import ForebayError, InvalidRequestError, ModelNotFoundError, PermissionDeniedError
from forebay.core.ports import Adapters
from forebay.core.types import ADAPTER_MARK, Deployment, Principal
from forebay.gateway.route import Route, unknown

LISTING_SECONDS = 5.0


class Listed(msgspec.Struct, frozen=True):
    """An adapter as a client may name it, the model it belongs to and the provider that has it."""

    name: str
    model: str
    provider: str


class AdapterManager:
    """The adapters behind ``route``."""

    def __init__(self, route: Route) -> None:
        self._providers: Mapping[str, Sequence[tuple[Deployment, Adapters]]] = {
            model: [(each.deployment, each.provider) for each in targets if isinstance(each.provider, Adapters)]
            for model, targets in route.with_adapters().items()
        }

    async def list(self, principal: Principal) -> list[Listed]:
        """All adapters that ``principal`` may use; those of a provider that does not tell in time are left out."""
        asked = [(model, *each) for model, found in self._providers.items() for each in found]
        answers = await asyncio.gather(*(_names(deployment, provider) for _, deployment, provider in asked))
        listed: dict[str, Listed] = {}
        for (model, deployment, _), names in zip(asked, answers, strict=True):
            for name in (f"{model}{ADAPTER_MARK}{each}" for each in names):
                if principal.may_use(name):
                    listed.setdefault(name, Listed(name, model, deployment.provider))
        return [*listed.values()]

    async def parent(self, principal: Principal, name: str) -> str:
        """The model that the adapter ``name`` belongs to.

        Raises:
            ModelNotFoundError: there is none of that name, or it is not for ``principal``.
        """
        for each in await self.list(principal):
            if each.name == name:
                return each.model
        raise unknown(name)

    async def load(self, principal: Principal, source: AdapterSource, model: str | None) -> None:
        """Load ``source`` for ``model``, which is needed only where several models take adapters.

        Raises:
            InvalidRequestError: it does not say which model; or no provider can use the adapter.
            PermissionDeniedError: ``principal`` may not.
            ForebayError: what the provider said.
        """
        base, name = self._split(principal, source.name, model)
        for deployment, provider in self._changeable(principal, base):
            await provider.load_adapter(deployment, msgspec.structs.replace(source, name=name))

    async def unload(self, principal: Principal, name: str, model: str | None) -> None:
        """Unload the adapter ``name`` of ``model``.

        Raises:
            ForebayError: as for `load`; or it is not loaded.
        """
        base, name = self._split(principal, name, model)
        for deployment, provider in self._changeable(principal, base):
            await provider.unload_adapter(deployment, name)

    def _split(self, principal: Principal, name: str, model: str | None) -> tuple[str, str]:
        """The model and the adapter that are meant: ``name`` may hold both."""
        if model is not None:
            return model, name.removeprefix(f"{model}{ADAPTER_MARK}")
        base, mark, adapter = name.rpartition(ADAPTER_MARK)
        if mark:
            return base, adapter
        known = [each for each in self._providers if _may_see(principal, each)]
        if len(known) != 1:
            which = f"name one of {', '.join(known)}" if known else "no model that this key may use takes adapters"
            raise InvalidRequestError(f"It is not clear which model is meant: {which}.", param="base_model_name")
        return known[0], name

    def _changeable(self, principal: Principal, model: str) -> Sequence[tuple[Deployment, Adapters]]:
        found = self._providers.get(model)
        if not found or not _may_see(principal, model):
            raise ModelNotFoundError(f"There is no model '{model}' that takes adapters.", param="base_model_name")
        if not principal.may_change_adapters(model):
            raise PermissionDeniedError(
                f"This key may not load or unload adapters of '{model}': its models do not include '{model}:*'."
            )
        return found


def _may_see(principal: Principal, model: str) -> bool:
    """Whether ``principal`` may know of ``model``, if only because it may use one of its adapters."""
    names = principal.models or ()
    return principal.may_use(model) or any(name.startswith(f"{model}{ADAPTER_MARK}") for name in names)


async def _names(deployment: Deployment, provider: Adapters) -> Sequence[str]:
    try:
        async with asyncio.timeout(LISTING_SECONDS):
            return await provider.adapters(deployment)
    except (ForebayError, TimeoutError):
        return ()
