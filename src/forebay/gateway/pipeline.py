"""The pipeline: stages folded around a last handler. Start reading here.

    HTTP ─► authenticate ─► Meter ─► Guard(in) ─► Cache ─► Route ─► Provider | Engine
                              ▲                     │ hit            │
                              └── reply ◄── Guard(out) ◄─────────────┘

Where credentials have scopes or limits, Permit and Admit stand before the guards: what is refused anyway costs nothing.
A stage answers by itself, or asks the next one and may change its answer. The order is policy: Meter is outermost, so
that its record covers whatever happens further in. A stage that a route does not need is not in its tuple.
"""

from collections.abc import Awaitable, Sequence

from forebay.core.ports import Handler, Stage
from forebay.core.types import Call, Reply


def compose(stages: Sequence[Stage], last: Handler) -> Handler:
    """One handler out of ``stages``, the first outermost, around ``last``."""
    handler = last
    for stage in reversed(stages):
        handler = _wrap(stage, handler)
    return handler


def _wrap(stage: Stage, ask: Handler) -> Handler:
    def handler(call: Call) -> Awaitable[Reply]:
        return stage(call, ask)

    return handler
