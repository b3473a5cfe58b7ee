"""The periods of budgets: days and months of the calendar, in UTC."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec


class Period(msgspec.Struct, frozen=True, gc=False):
    """``2026-11-23`` or ``2026-11``, from ``begins`` to before ``ends``, in seconds since the epoch."""

    name: str
    begins: float
    ends: float


def period(quantity: Literal["budget_day", "budget_month"], now: float) -> Period:
    """The one that ``now`` is in."""
    moment = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if quantity == "budget_day":
        return Period(moment.strftime("%Y-%m-%d"), moment.timestamp(), (moment + timedelta(days=1)).timestamp())
    first = moment.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return Period(first.strftime("%Y-%m"), first.timestamp(), following.timestamp())
