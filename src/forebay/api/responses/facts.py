"""How an answer came to be, for people who look at it: tokens, times, cost, who gave it."""

import time
from typing import Any, Final

from forebay.core.conversations import Facts
from forebay.core.money import dollars
from forebay.core.types import Call, Usage
from forebay.gateway.meter import tpot

SHORTEST: Final = 0.05
"""In less than these seconds nobody can say how fast an answer came: its pieces came at once."""


def facts(call: Call, finish: str | None) -> Facts:
    """What is known of ``call`` by now; ``finish`` is why the chat ended."""
    trace, request = call.trace, call.request
    usage = trace.usage or Usage()
    first, last, accepted = trace.first_token, trace.last_token, trace.accepted
    tokens = usage.completion_tokens or trace.chunks
    return Facts(
        call.id,
        request.model,
        trace.deployment,
        finish,
        usage.prompt_tokens,
        tokens,
        usage.cached_tokens,
        usage.reasoning_tokens,
        first - accepted if request.stream and first else None,
        time.perf_counter() - accepted,
        tpot(call, tokens) if last - first >= SHORTEST else None,
        trace.cost,
        trace.cache,
        len(trace.attempts),
        trace.story.watermark,
        tuple(heard for heard in trace.story.heard if heard.action != "pass"),
    )


def shown(found: Facts, response: str) -> dict[str, Any]:
    """The field ``forebay`` of a response and its items; times in seconds, money in dollars."""
    return {
        "request_id": found.request,
        "response_id": response,
        "model": found.model,
        "deployment": found.deployment,
        "finish_reason": found.finish,
        "input_tokens": found.input_tokens,
        "output_tokens": found.output_tokens,
        "cached_tokens": found.cached_tokens,
        "reasoning_tokens": found.reasoning_tokens,
        "ttft": _rounded(found.ttft),
        "seconds": _rounded(found.seconds),
        "tokens_per_second": round(1 / found.tpot, 1) if found.tpot else None,
        "cost_dollars": None if found.cost is None else dollars(found.cost),
        "cache": found.cache,
        "attempts": found.attempts,
        "watermark": found.watermark or None,
        "guards": [
            {"guard": each.guard, "side": each.side, "action": each.action, "kinds": each.kinds}
            for each in found.guards
        ],
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)
