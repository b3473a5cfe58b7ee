"""What a settings file says about how a model is routed: what is done when a deployment fails, or is slow.

The gateway works with these as they are.
"""

from typing import Annotated, Literal

import msgspec

from forebay.settings.bounds import ordered
from forebay.settings.values import Duration

Name = Annotated[str, msgspec.Meta(min_length=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]

Failure = Literal["upstream_error", "upstream_timeout", "unavailable", "rate_limit_exceeded"]
"""The codes of the failures after which asking again may help."""


class RetrySettings(msgspec.Struct, frozen=True):
    """How often all deployments of a model are asked again, after which failures, and with which pauses.

    The pause before the n-th time is random, between nothing and ``base`` x 2^(n-1), at most ``cap``. An upstream's
    ``Retry-After`` is waited for; where it is more than ``cap``, its answer is told instead.
    """

    max: Annotated[int, msgspec.Meta(ge=0, le=10)] = 1
    errors: tuple[Failure, ...] = ("upstream_error", "unavailable")
    base: Duration = 0.1
    cap: Duration = 5.0


class CoolDownSettings(msgspec.Struct, frozen=True):
    """When a deployment is left alone: after so many ``failures`` within ``window`` without a success in between.

    After ``duration`` one request at a time tries it, until one succeeds. A 429 with ``Retry-After`` is left alone for
    as long as that says, at most for ``longest``. No ``failures`` (0): never because of failures.
    """

    failures: Count = 3
    window: Duration = 30.0
    duration: Duration = 10.0
    longest: Duration = 120.0


class HealthSettings(msgspec.Struct, frozen=True):
    """How often each deployment is asked how it is, what for, and how long it may take to say so."""

    interval: Annotated[Duration, msgspec.Meta(gt=0)] = 10.0
    timeout: Annotated[Duration, msgspec.Meta(gt=0)] = 5.0
    path: Annotated[str, msgspec.Meta(pattern="^/")] = "/models"


class HedgeSettings(msgspec.Struct, frozen=True):
    """How long a first content may take before a second deployment is asked as well.

    ``p95`` is about what one in twenty takes longer for, by the deployment's own figures; ``least`` its lower bound.
    """

    after: Literal["p95"] | Duration = "p95"
    least: Duration = 0.05

    def __post_init__(self) -> None:
        if self.after != "p95":
            ordered(self, "least", "after")


class FallbackSettings(msgspec.Struct, frozen=True):
    """Which other models are asked, in this order, when a model fails.

    ``default`` is for when all its deployments have failed, ``context_length`` for a prompt that was too long for it,
    ``content_policy`` for one whose content was refused.
    """

    default: tuple[Name, ...] = ()
    context_length: tuple[Name, ...] = ()
    content_policy: tuple[Name, ...] = ()
