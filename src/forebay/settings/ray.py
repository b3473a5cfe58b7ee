"""What a settings file may say about Ray: how many replicas there are of what, and what each of them takes."""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from forebay.settings.bounds import ordered
from forebay.settings.values import Duration

Replicas = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class ReplicaSettings(msgspec.Struct, frozen=True):
    """Replicas of one kind: from ``min`` to ``max`` of them, so many that each has about ``requests`` under way.

    Without a ``max`` there are ``min`` of them.

    A replica is given no more than ``most`` requests at once; others wait. It reserves ``cpus`` cores (a share of one
    is a share) and ``resources`` of Ray's, by which nodes can be chosen.
    """

    min: Replicas = 1
    max: Replicas | None = None
    requests: Annotated[float, msgspec.Meta(gt=0)] = 32.0
    most: Replicas = 256
    cpus: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    resources: Mapping[str, float] = {}

    def __post_init__(self) -> None:
        if self.max is not None:
            ordered(self, "min", "max")
        else:
            msgspec.structs.force_setattr(self, "max", self.min)


class EngineReplicaSettings(ReplicaSettings, frozen=True):
    """The same for engines: another one is wanted, too, where more than ``kv_use`` of the KV cache is in use.

    ``beta`` is how much load counts against a prompt's beginning that a replica has computed already; ``adapters`` how
    many LoRA adapters one replica is sent requests for.
    """

    requests: Annotated[float, msgspec.Meta(gt=0)] = 8.0
    most: Replicas = 64
    kv_use: Share = 0.8
    beta: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    adapters: Replicas = 8


class RaySettings(msgspec.Struct, frozen=True):
    """What ``forebay deploy ray`` makes: gateways, and engines that they ask.

    More are started after ``upscale`` of too much load, fewer left after ``downscale`` of too little. ``surge`` is how
    many percent more of them there may be during an update, at least one; none (0) lets old ones go first.
    """

    gateways: ReplicaSettings = ReplicaSettings(min=2, max=4)
    engines: EngineReplicaSettings = EngineReplicaSettings()
    upscale: Duration = 10.0
    downscale: Duration = 300.0
    surge: Annotated[int, msgspec.Meta(ge=0, le=100)] = 25
