"""``GET /admin/audit``: what admins have done."""

from typing import Final

import msgspec

from forebay.api.http import Receive, Scope, Send, header, send_json
from forebay.api.keys import NOT_ADMIN
from forebay.core.errors import PermissionDeniedError
from forebay.core.keys import AdminLog
from forebay.core.ledger import LATEST
from forebay.core.ports import Authenticator

PATH: Final = "/admin/audit"
ROWS: Final = 1000


class AuditEndpoint:
    """For admins only."""

    def __init__(self, log: AdminLog, authenticator: Authenticator) -> None:
        self._log = log
        self._authenticator = authenticator

    async def list(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """The latest actions, the newest first."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        if not principal.admin:
            raise PermissionDeniedError(
                "This takes an admin's key: one with the scope 'admin', or 'admin: true'.", headers=NOT_ADMIN
            )
        actions = await self._log.list(LATEST, ROWS)  # a clock that was set back hides none
        data = [{"object": "admin_action", **msgspec.structs.asdict(each)} for each in actions]
        await send_json(send, request_id, {"object": "list", "data": data})
