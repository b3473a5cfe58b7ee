"""``GET /v1/limits``: what limits the one who asks has, and how much of each is left."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from forebay.api.http import Receive, Scope, Send, header, send_json
from forebay.core.limits import MINUTE, Counters, Holder, Level
from forebay.core.money import dollars
from forebay.core.ports import Authenticator
from forebay.core.types import Principal

PATH: Final = "/v1/limits"

HoldersOf = Callable[[Principal], Awaitable[Sequence[Holder]]]
"""Whose limits a principal has to keep."""


class LimitsEndpoint:
    """Everybody sees their own: their key's, their tenant's, and those of the models that they may use."""

    def __init__(self, counters: Counters, holders: HoldersOf, authenticator: Authenticator) -> None:
        self._counters = counters
        self._holders = holders
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """All of them; nothing is taken."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        holders = await self._holders(principal)
        levels = await self._counters.look(holders) if holders else ()
        found = [_shown(holder, level) for holder, level in zip(holders, levels, strict=True)]
        await send_json(send, request_id, {"object": "list", "data": found})


def _shown(holder: Holder, level: Level) -> dict[str, object]:
    shown: dict[str, object] = {"object": "limits", "of": holder.kind, "name": holder.name}
    if holder.rpm is not None:
        shown["rpm"] = _bucket(holder.rpm, level.requests)
    if holder.tpm is not None:
        shown["tpm"] = _bucket(holder.tpm, level.tokens)
    if holder.parallel is not None:
        left = max(0, holder.parallel - level.running)
        shown["parallel"] = {"limit": holder.parallel, "remaining": left}
    for budget, spent in zip(holder.budgets, level.spent, strict=True):
        shown[budget.quantity] = {
            "limit": _dollars(budget.limit),
            "spent": _dollars(max(0, spent)),
            "remaining": _dollars(max(0, budget.limit - spent)),
            "begins_anew": datetime.fromtimestamp(budget.ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    return shown


def _bucket(limit: int, taken: float) -> dict[str, object]:
    """``full_in``: after how many seconds all of it is there."""
    return {"limit": limit, "remaining": max(0, int(limit - taken + 1e-6)), "full_in": round(taken * MINUTE / limit, 3)}


def _dollars(amount: int) -> msgspec.Raw:
    """As a number of JSON's, exactly."""
    return msgspec.Raw(dollars(amount).encode())
