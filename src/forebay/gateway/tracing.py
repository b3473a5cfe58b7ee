"""The stage that gives a call its place in a distributed trace; there only where traces are exported."""

from collections.abc import Awaitable

from forebay.core.ports import Handler
from forebay.core.tracecontext import begun
from forebay.core.types import Call, Reply


class Tracing:
    """Samples the ``share`` of the traces that begin here."""

    def __init__(self, share: float) -> None:
        self._share = share

    def __call__(self, call: Call, ask: Handler) -> Awaitable[Reply]:
        """Answer ``call``, which from now on has a place."""
        call.trace.story.place = begun(call.traceparent, call.tracestate, self._share)
        return ask(call)
