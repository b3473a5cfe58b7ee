"""How much a request takes: an estimate before it is asked, and what it was when it has ended."""

from typing import Final

import msgspec

from forebay.core.limits import Amount
from forebay.core.operations import STORED, TEXT
from forebay.core.types import MOST_TOKENS, Call, Operation, Price, Request, Usage
from forebay.gateway.prices import cost

BYTES_OF_TOKEN: Final = 4
MOST_COST: Final = 10**18
"""No request costs a million dollars; so that every count fits into 64 bits."""

_FREE: Final = frozenset({"hit", "semantic-hit"})
"""What `Trace.cache` says of a reply for which nobody was asked."""


class _Asked(msgspec.Struct, gc=False):
    """The fields of a request by which it says how long an answer it takes, in each dialect."""

    max_tokens: int | None = None
    max_completion_tokens: int | None = None


def estimate(request: Request) -> Usage:
    """About how many tokens ``request`` takes: those of its body, and as many more as it asks for."""
    if request.operation is Operation.COUNT or request.operation in STORED:
        return Usage()
    try:
        asked = msgspec.json.decode(request.body, type=_Asked)
    except (msgspec.DecodeError, UnicodeDecodeError):  # a form, or a field that the provider will refuse
        asked = _Asked()
    most = asked.max_completion_tokens or asked.max_tokens or 0
    return Usage(len(request.body) // BYTES_OF_TOKEN, min(max(0, most), MOST_TOKENS))


def estimated(usage: Usage, price: Price | None) -> Amount:
    """``usage`` as what is to be reserved; nothing can be reserved of money where no price is known."""
    money = 0 if price is None else min(price.cost(usage, usage.completion_tokens), MOST_COST)
    return Amount(usage.total_tokens, money)


def used(call: Call, reserved: Usage) -> Amount:
    """What ``call`` took now that it has ended; a reply out of the cache took nothing.

    Of an answer that was cut off nobody tells the usage: it is taken to be the estimated prompt and what was sent. The
    lost answers of other deployments are counted as money, not as tokens.
    """
    trace = call.trace
    if trace.cache in _FREE:
        return Amount()
    usage = trace.usage
    if usage is None or not usage.is_plausible:
        sent = trace.chunks if call.request.operation in TEXT else 0
        guessed = 0 if trace.price is None or not sent else trace.price.cost(reserved, sent)
        return Amount(sent, min(guessed + (trace.lost_cost or 0), MOST_COST))
    completion = usage.completion_tokens or (trace.chunks if call.request.operation in TEXT else 0)
    return Amount(usage.total_tokens, min(cost(trace, completion) or 0, MOST_COST))
