"""Whose limits a call has to keep: its key's, its tenant's, its model's."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Literal

from forebay.core.limits import Budget, Holder, Kind
from forebay.core.types import ADAPTER_MARK, Call, Limits, Principal
from forebay.gateway.limiting.past import Past, Whose
from forebay.gateway.limiting.periods import period
from forebay.settings import LimitsSettings
from forebay.settings.limits import EVERY_OTHER

_UNLIMITED: Final = Limits()


class Holders:
    """Finds them by ``settings``; ``past`` knows what budgets were spent, ``clock`` the seconds since the epoch."""

    def __init__(self, settings: LimitsSettings, past: Past, clock: Callable[[], float] = time.time) -> None:
        self._keys = settings.keys.limits() if settings.keys else _UNLIMITED
        self._tenants = {name: each.limits() for name, each in settings.tenants.items() if name != EVERY_OTHER}
        every_other = settings.tenants.get(EVERY_OTHER)
        self._every_other = every_other.limits() if every_other else _UNLIMITED
        self._models = {name: each.limits() for name, each in settings.models.items()}
        self._past = past
        self._clock = clock

    async def of(self, call: Call) -> Sequence[Holder]:
        """Those of ``call`` that have limits."""
        principal = call.principal
        found = await self.of_principal(principal)
        if self._models and (name := self._model(call.request.model)) is not None:
            return [*found, await self._holder("model", name, name, self._models[name], None)]
        return found

    async def of_principal(self, principal: Principal) -> list[Holder]:
        """Its own and its tenant's, if they have limits."""
        name, tenant = principal.name, principal.tenant
        found = []
        limits = principal.limits or self._keys
        if limits != _UNLIMITED:
            found.append(await self._holder("key", f"{len(tenant)}:{tenant}:{name}", name, limits, (tenant, name)))
        limits = self._tenants.get(tenant, self._every_other)
        if limits != _UNLIMITED:
            found.append(await self._holder("tenant", tenant, tenant, limits, (tenant, None)))
        return found

    async def models_of(self, principal: Principal) -> list[Holder]:
        """The models with limits that it may use."""
        return [
            await self._holder("model", name, name, limits, None)
            for name, limits in self._models.items()
            if principal.may_use(name)
        ]

    def _model(self, name: str) -> str | None:
        """Under which name the limits of the model called ``name`` stand, if it has any: an adapter has its model's."""
        if name in self._models:
            return name
        base, _, _ = name.rpartition(ADAPTER_MARK)
        if base in self._models:
            return base
        prefix, slash, _ = name.partition("/")
        wildcard = f"{prefix}/*"
        return wildcard if slash and wildcard in self._models else None

    async def _holder(self, kind: Kind, identity: str, name: str, limits: Limits, whose: Whose | None) -> Holder:
        budgets: tuple[Budget, ...] = ()
        if whose is not None and (limits.budget_day is not None or limits.budget_month is not None):
            wanted: list[tuple[Literal["budget_day", "budget_month"], int | None]] = [
                ("budget_day", limits.budget_day),
                ("budget_month", limits.budget_month),
            ]
            budgets = tuple([await self._budget(what, limit, whose) for what, limit in wanted if limit is not None])
        return Holder(kind, identity, name, limits.rpm, limits.tpm, limits.parallel, budgets)

    async def _budget(self, quantity: Literal["budget_day", "budget_month"], limit: int, whose: Whose) -> Budget:
        now = period(quantity, self._clock())
        return Budget(quantity, now.name, limit, now.ends, await self._past.spent(whose, now))
