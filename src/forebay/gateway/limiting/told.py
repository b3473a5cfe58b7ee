"""What clients are told about limits: OpenAI's headers on replies, and refusals that say whose, how much and when."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from forebay.core.errors import QuotaError, RateLimitError
from forebay.core.limits import MINUTE, Grant, Holder, Level, Refusal
from forebay.core.money import dollars

PREFIX: Final = "x-ratelimit-"
PERIODS: Final = {"budget_day": "day", "budget_month": "month"}
_BUCKETS: Final[Sequence[tuple[str, Callable[[Holder], int | None], Callable[[Level], float]]]] = (
    ("requests", lambda holder: holder.rpm, lambda level: level.requests),
    ("tokens", lambda holder: holder.tpm, lambda level: level.tokens),
)
_ONCE: Final = {"x-should-retry": "false"}
"""What OpenAI's and Anthropic's clients take for: do not try by yourself."""

Headers = tuple[tuple[str, str], ...]


def headers(grant: Grant) -> Headers:
    """OpenAI's headers: of the tightest of each kind the limit, what is left, and when all of it will be there."""
    found: Headers = ()
    for what, limit_of, taken_of in _BUCKETS:
        buckets = [
            (limit - taken_of(level), limit, taken_of(level))
            for holder, level in zip(grant.holders, grant.levels, strict=True)
            if (limit := limit_of(holder)) is not None
        ]
        if buckets:
            _, limit, taken = min(buckets)
            found += bucket_headers(what, limit, taken)
    return found


def bucket_headers(what: str, limit: int, taken: float) -> Headers:
    """The three of one bucket."""
    return (
        (f"{PREFIX}limit-{what}", str(limit)),
        (f"{PREFIX}remaining-{what}", str(max(0, math.floor(limit - taken + 1e-6)))),
        (f"{PREFIX}reset-{what}", f"{taken * MINUTE / limit:.3f}s"),
    )


def error(refusal: Refusal, tokens: int) -> RateLimitError:
    """What says that it is too much: for whom, of what, and when it will not be."""
    holder, quantity, level = refusal.holder, refusal.quantity, refusal.level
    whose = "this key" if holder.kind == "key" else f"the {holder.kind} '{holder.name}'"
    if quantity in PERIODS:
        return _quota(refusal, whose)
    after = math.ceil(min(refusal.wait, MINUTE))
    told = {"retry-after": str(after), "x-forebay-limit": f"{holder.kind} {quantity}"}
    if quantity == "parallel":
        return RateLimitError(f"Too many requests at once: the limit is {holder.parallel} for {whose}.", headers=told)
    limit, taken = (holder.rpm, level.requests) if quantity == "requests" else (holder.tpm, level.tokens)
    limit = limit or 1  # it is there, or it would not refuse
    told |= dict(bucket_headers(quantity, limit, taken))
    if math.isinf(refusal.wait):
        return RateLimitError(
            f"This request takes about {tokens} tokens; the limit is {limit} a minute for {whose}.",
            code=quantity,
            headers=told | _ONCE,
        )
    return RateLimitError(
        f"Too many {quantity}: the limit is {limit} a minute for {whose}; try again in {after} s.", headers=told
    )


def _quota(refusal: Refusal, whose: str) -> QuotaError:
    holder, quantity = refusal.holder, refusal.quantity
    budget, spent = next(
        pair for pair in zip(holder.budgets, refusal.level.spent, strict=True) if pair[0].quantity == quantity
    )
    begins = datetime.fromtimestamp(budget.ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    rest = "is used up" if spent >= budget.limit else "has too little left for this request"
    return QuotaError(
        f"The budget of {whose}, {dollars(budget.limit)} dollars a {PERIODS[quantity]}, {rest}; "
        f"it begins anew at {begins}.",
        headers={
            "retry-after": str(math.ceil(refusal.wait)),
            "x-forebay-limit": f"{holder.kind} {quantity}",
            **_ONCE,
        },
    )
