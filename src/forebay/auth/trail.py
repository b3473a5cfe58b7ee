"""Notes what admins do: in the store, and in the log where there is none or it is away."""

import logging
import secrets
import time
from typing import Final

import msgspec

from forebay.core.errors import UnavailableError
from forebay.core.keys import AdminAction, AdminLog
from forebay.core.types import Principal

logger = logging.getLogger("forebay.admin")

MOST: Final = 512
"""So much of a text is kept; what an admin writes may be long."""


class Trail:
    """Keeps actions in ``log``.

    What needs nothing but an admin's key is noted before it is done: whoever leaves in the middle has done it all the
    same. What can be refused for other reasons is noted after it, or anybody could fill the log.
    """

    def __init__(self, log: AdminLog | None) -> None:
        self._log = log

    async def note(self, by: Principal, action: str, target: str, **details: object) -> None:
        """Take note of what ``by`` does to ``target``; never fails. Neither it nor ``details`` may hold a secret."""
        noted = AdminAction(
            secrets.token_hex(12), time.time(), by.name, by.tenant, action, _cut(target), _bounded(details)
        )
        if self._log is not None:
            try:
                await self._log.add(noted)
            except UnavailableError:
                logger.warning("the audit log is away, so this is noted here only")
            else:
                return
        logger.warning("admin action: %s", msgspec.json.encode(noted).decode())


def _bounded(details: dict[str, object]) -> dict[str, object]:
    return {name: _cut(value) if isinstance(value, str) else value for name, value in details.items()}


def _cut(text: str) -> str:
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"
