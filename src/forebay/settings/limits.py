"""What a settings file says about limits: of keys, tenants and models, and where they are counted."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from forebay.core.money import pico
from forebay.core.types import Limits
from forebay.settings.amounts import amount_of
from forebay.settings.document import Node
from forebay.settings.reader import Reader
from forebay.settings.values import Duration, Secret

Name = Annotated[str, msgspec.Meta(min_length=1)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
Url = Annotated[Secret, msgspec.Meta(pattern=r"^(rediss?|unix|valkeys?)://.")]
"""A secret, because a password may stand in it."""

EVERY_OTHER: Final = "*"
"""The tenant that stands for all that are not named."""


_EXPECTED: Final = "dollars: a number from 0 to 1000000 with at most twelve decimal places"


class Dollars(int):
    """Pico-dollars; in a file dollars: ``50`` or ``"0.25"``."""

    __slots__ = ()

    @classmethod
    def from_node(cls, node: Node, reader: Reader) -> Any:  # noqa: ANN401  # or MISSING
        """The amount at ``node``."""
        return amount_of(cls, node, reader, pico, _EXPECTED)


class RateSettings(msgspec.Struct, frozen=True):
    """Requests and tokens a minute, and requests at once; ``None``: any."""

    rpm: Positive | None = None
    tpm: Positive | None = None
    parallel: Positive | None = None

    def limits(self) -> Limits:
        """In Forebay's terms."""
        return Limits(self.rpm, self.tpm, self.parallel)


class LimitSettings(RateSettings, frozen=True):
    """The same, and dollars for a day and a month of the calendar, in UTC."""

    budget_day: Dollars | None = None
    budget_month: Dollars | None = None

    def limits(self) -> Limits:
        """In Forebay's terms."""
        day, month = self.budget_day, self.budget_month
        return Limits(
            self.rpm,
            self.tpm,
            self.parallel,
            None if day is None else int(day),
            None if month is None else int(month),
        )


class LimitsSettings(msgspec.Struct, frozen=True):
    """Whose limits there are beside those that a key has of its own, and where all of them are counted.

    ``keys`` are for every key and token that has none of its own. ``*`` among ``tenants`` is every other tenant, each
    by itself; ``openai/*`` among ``models`` is all of these together. With the ``url`` of a Redis all processes that
    share it count together: it may take ``timeout``, and after a failure it is left alone for a ``pause``, in which
    each process counts for itself (``open``) or whoever has limits is refused (``closed``).
    """

    url: Url | None = None
    when_away: Literal["open", "closed"] = "open"
    timeout: Annotated[Duration, msgspec.Meta(gt=0)] = 0.1
    pause: Annotated[Duration, msgspec.Meta(gt=0)] = 1.0
    prefix: str = "forebay:limits:"
    keys: LimitSettings | None = None
    tenants: Mapping[Name, LimitSettings] = {}
    models: Mapping[Name, RateSettings] = {}
