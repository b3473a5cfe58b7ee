"""Whether somebody asked a request, also one that runs or has just ended, so that nobody rates what nobody asked."""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Final

from forebay.core.requestlog import RequestLog
from forebay.core.types import Principal
from forebay.gateway.explain import Explanations

PATIENCE_SECONDS: Final = 2.0
"""What another process answered is known here about half a second later: its rows are written in batches."""

PAUSE_SECONDS: Final = 0.25

_ID: Final = re.compile(r"req_[0-9a-f]{20,28}", re.ASCII)


class Asked:
    """``logs`` are asked in their order, after ``flush`` has them know everything that has ended here until now."""

    def __init__(self, explanations: Explanations, logs: Sequence[RequestLog], flush: Callable[[], None]) -> None:
        self._explanations = explanations
        self._logs = logs
        self._flush = flush

    async def by(self, principal: Principal, request_id: str) -> bool:
        """Whether ``principal`` asked it; it takes `PATIENCE_SECONDS` to be sure of a no, whoever else asked it.

        Raises:
            UnavailableError: that cannot be read now.
        """
        if not _ID.fullmatch(request_id):
            return False
        ends = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not (found := await self._known(principal, request_id)):
            if asyncio.get_running_loop().time() >= ends:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        return found

    async def _known(self, principal: Principal, request_id: str) -> bool:
        who = principal.tenant, principal.name
        running = self._explanations.asker(request_id)
        if running is not None:
            return (running.tenant, running.name) == who
        self._flush()
        for log in self._logs:
            if any((row.tenant, row.principal) == who for row in await log.find(request_id)):
                return True
        return False
