"""What a route leads to: targets, and the models they belong to with all that is decided about these."""

import msgspec

from forebay.core.ports import Provider, Strategy, Varied
from forebay.core.types import Deployment, Live, Operation
from forebay.settings import CoolDownSettings, FallbackSettings, HedgeSettings, RetrySettings


class Target(msgspec.Struct, frozen=True):
    """A deployment, who runs it, and how it is doing; targets of the same deployment have the same ``live``."""

    deployment: Deployment
    provider: Provider
    live: Live = msgspec.field(default_factory=Live)

    @property
    def operations(self) -> frozenset[Operation]:
        """What the deployment answers, as far as is known without asking it."""
        provider = self.provider
        known = provider.operations_of(self.deployment.model) if isinstance(provider, Varied) else provider.operations
        return known & provider.operations


class Model(msgspec.Struct, frozen=True):
    """A model as callers name it: its targets, of which there is at least one, and how they are asked.

    Without a ``strategy`` they are asked in their order. ``cache`` is the part of the cache that may answer for it. The
    last three follow from the rest: whether anybody wants to know how fast the targets are, whether there is nobody
    else to ask (to leave the only target alone would help nobody), and the seconds that a call may take.
    """

    name: str
    targets: tuple[Target, ...]
    strategy: Strategy | None = None
    retries: RetrySettings = RetrySettings()
    cool_down: CoolDownSettings = CoolDownSettings()
    fallbacks: FallbackSettings = FallbackSettings()
    hedge: HedgeSettings | None = None
    cache: str = "exact"
    measured: bool = False
    alone: bool = False
    total: float = 0.0

    def __post_init__(self) -> None:
        set_field = msgspec.structs.force_setattr
        set_field(self, "measured", self.strategy is not None or self.hedge is not None)
        set_field(self, "alone", len(self.targets) == 1 and not self.fallbacks.default)
        set_field(self, "total", max(each.deployment.timeouts.total for each in self.targets))

    def spares(self, live: Live) -> bool:
        """Whether there is somebody to ask in place of the target with ``live``, if that one were left alone."""
        return bool(self.fallbacks.default) or any(not each.live.out for each in self.targets if each.live is not live)
