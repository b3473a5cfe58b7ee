"""The last handler for what names no model: from the name of a provider, or none, to the provider that keeps it.

All who may ask a provider for its files and batches ask with the same key, ours: whoever may read one may read them
all, and a batch may ask for any model there. So they belong to one tenant, and of its principals to those who may use
every model of the provider (docs/adr/0020).
"""

import time
from collections.abc import Mapping
from random import Random

from forebay.core.access import Access
from forebay.core.errors import InvalidRequestError, PermissionDeniedError
from forebay.core.operations import STORED
from forebay.core.ports import Provider
from forebay.core.types import Call, Deployment, Operation, Principal, Reply
from forebay.gateway.explain import Explanations
from forebay.gateway.resilience import answer
from forebay.gateway.route import WILDCARD
from forebay.gateway.target import Model, Target
from forebay.settings import RetrySettings

HEADER = "x-forebay-provider"
OWNER = "default"

# To ask again could upload a file twice.
_ONCE = RetrySettings(max=0)


class Keepers:
    """The ``providers`` that keep files or batches, by name; ``owners`` are the tenants whose they are.

    ``models`` tell which wildcards stand for every model of a provider.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        models: Mapping[str, Model],
        owners: Mapping[str, str],
        explanations: Explanations | None = None,
    ) -> None:
        self._keepers = {
            name: Model(name, (Target(Deployment(name, name, ""), provider),), retries=_ONCE)
            for name, provider in providers.items()
            if provider.operations & STORED
        }
        self._wildcards = {name: _standing_for(name, models) for name in self._keepers}
        self._owners = owners
        self._keep = (explanations or Explanations()).keep
        self._random = Random()  # noqa: S311  # nothing is drawn: there is one target

    async def __call__(self, call: Call) -> Reply:
        """Answer ``call``, whose request has an ``access``.

        Raises:
            InvalidRequestError: it names no provider that can, or none at all where several can.
            PermissionDeniedError: what the provider keeps is not for this principal.
            ForebayError: what the provider raised.
        """
        self._keep(call)
        access = call.request.access or Access()
        keeper = self._chosen(access.provider, call.request.operation, call.principal)
        return await answer(call, keeper, self._random, "first", time.perf_counter() + keeper.total)

    def _chosen(self, provider: str, operation: Operation, principal: Principal) -> Model:
        able = {name: each for name, each in self._keepers.items() if _can(each, operation)}
        allowed = {name: each for name, each in able.items() if self._may_use(principal, name)}
        if not provider and len(allowed) == 1:
            (only,) = allowed.values()
            return only
        if provider in allowed:
            return allowed[provider]
        if provider in able or (able and not allowed):
            raise PermissionDeniedError(
                f"The {operation.value} at {', '.join(able)} are not for this key: they belong to one tenant, "
                "and there to keys that may use every model."
            )
        raise InvalidRequestError(_choices(provider, operation, allowed), param=HEADER)

    def _may_use(self, principal: Principal, provider: str) -> bool:
        if principal.tenant != self._owners.get(provider, OWNER):
            return False
        return principal.models is None or not self._wildcards[provider].isdisjoint(principal.models)


def _can(keeper: Model, operation: Operation) -> bool:
    return operation in keeper.targets[0].provider.operations


def _standing_for(provider: str, models: Mapping[str, Model]) -> frozenset[str]:
    """The wildcards that stand for every model of ``provider``."""
    return frozenset(
        name
        for name, model in models.items()
        if name.endswith(WILDCARD)
        and any(each.deployment.provider == provider and each.deployment.model == "*" for each in model.targets)
    )


def _choices(provider: str, operation: Operation, allowed: Mapping[str, Model]) -> str:
    names = ", ".join(f"'{name}'" for name in allowed)
    if not names:
        return f"No provider here keeps {operation.value}."
    what = f"No provider '{provider}' keeps {operation.value}" if provider else "Say which provider to ask"
    return f"{what}: name one of {names} in the header '{HEADER}'."
