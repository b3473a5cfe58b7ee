"""How a model is asked again, told what was wrong with its answer; every attempt is paid for, and counted."""

import msgspec

from forebay.core.types import Call, Operation, Trace, Usage
from forebay.gateway.guarding.reaction import Violation
from forebay.gateway.prices import cost

NO_USAGE = Usage()


def again(call: Call, violation: Violation) -> Call:
    """The call that asks for another answer than the one that was not let pass.

    A chat is told what was wrong; whatever else was asked is asked once more as it is.
    """
    if call.request.operation is not Operation.CHAT:
        return call
    body = call.request.fields()
    body["messages"] = [
        *body["messages"],
        {"role": "assistant", "content": violation.text},
        {"role": "user", "content": _complaint(violation)},
    ]
    request = msgspec.structs.replace(call.request, body=msgspec.json.encode(body))
    return msgspec.structs.replace(call, request=request)


def count_lost(trace: Trace) -> None:
    """Add what the last answer took to what the call has lost, and begin to count anew."""
    used = trace.usage or NO_USAGE
    trace.lost = (trace.lost or NO_USAGE) + used
    trace.lost_cost = cost(trace, used.completion_tokens)  # with what was lost before
    trace.usage = None


def _complaint(violation: Violation) -> str:
    because = f" ({violation.reason.rstrip('.')})" if violation.reason else ""
    return f"Your answer was not accepted{because}. Answer again without that fault, and with the answer only."
