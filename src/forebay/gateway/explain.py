"""Remembers how the latest calls were routed, so that people can ask why while they run.

Of this process alone, and only the latest: what has ended is in the log of requests.
"""

from collections import deque
from typing import Any

from forebay.core.types import Attempt, Call, Principal, Trace

LATEST = 4096


class Explanations:
    """The traces of the ``limit`` latest calls, by id."""

    def __init__(self, limit: int = LATEST) -> None:
        self._limit = limit
        self._ids: deque[str] = deque()
        self._kept: dict[str, tuple[Principal, str, Trace]] = {}

    def keep(self, call: Call) -> None:
        """Remember ``call``, which may go on for long, and forget the oldest."""
        self._kept[call.id] = (call.principal, call.request.model, call.trace)
        self._ids.append(call.id)
        if len(self._ids) > self._limit:
            self._kept.pop(self._ids.popleft(), None)

    def asker(self, request_id: str) -> Principal | None:
        """Who asked it, if it is one of the latest here."""
        kept = self._kept.get(request_id)
        return None if kept is None else kept[0]

    def find(self, request_id: str, principal: Principal) -> dict[str, Any] | None:
        """How the call was routed, if ``principal`` may see it; times are seconds since it was accepted."""
        kept = self._kept.get(request_id)
        if kept is None:
            return None
        owner, model, trace = kept
        if owner.tenant != principal.tenant and not principal.admin:
            return None
        return {
            "id": request_id,
            "object": "route",
            "model": model,
            "deployment": trace.deployment,
            "prompt": trace.prompt or None,
            "attempts": [told(each) for each in trace.attempts],
            "choices": trace.choices,
        }


def told(each: Attempt) -> dict[str, Any]:
    """One attempt; without seconds while it runs."""
    return {
        "model": each.model,
        "deployment": each.deployment,
        "reason": each.reason,
        "outcome": each.outcome or "running",
        "cooled_down": each.cooled,
        "began": round(each.began, 6),
        "seconds": round(each.ended - each.began, 6) if each.ended else None,
    }
