"""Asks models of this gateway on behalf of one of its own parts: a guard, the cache."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from forebay.core.errors import UnavailableError, UpstreamError
from forebay.core.ports import Handler
from forebay.core.types import Call, Operation, Principal, Request, Trace, Whole


class Inward:
    """Asks as ``principal``; ``label`` is what the cache is said to have done with such calls, if anything.

    ``ask`` is how models are asked; ``bind`` may tell that later.
    """

    def __init__(self, principal: Principal, ask: Handler | None = None, label: str = "") -> None:
        self._principal = principal
        self._ask = ask
        self._label = label

    def bind(self, ask: Handler) -> None:
        """From now on models are asked by ``ask``."""
        self._ask = ask

    async def __call__(self, operation: Operation, body: Mapping[str, Any]) -> dict[str, Any]:
        """The whole answer to ``body``.

        Raises:
            ForebayError: there is none.
        """
        if self._ask is None:
            raise UnavailableError("The server has not started yet.")
        request = Request(operation, str(body.get("model", "")), msgspec.json.encode({**body, "stream": False}))
        trace = Trace(time.perf_counter(), cache=self._label)
        reply = await self._ask(Call(self._principal.name, request, self._principal, trace))
        if not isinstance(reply, Whole):
            raise UpstreamError("The model answered in pieces.")
        answer: dict[str, Any] = msgspec.json.decode(reply.body)
        return answer
