"""``/.well-known/oauth-protected-resource``: whose tokens this server takes (RFC 9728)."""

from typing import Final

import msgspec

from forebay.api.http import JSON, Receive, Scope, Send, send_body
from forebay.core.scopes import SCOPES
from forebay.settings import AuthSettings
from forebay.settings.issuers import is_safe

PATH: Final = "/.well-known/oauth-protected-resource"


class ProtectedResource:
    """The document; anybody may read it."""

    def __init__(self, settings: AuthSettings) -> None:
        prefixes = [each.scope_prefix for each in settings.issuers]
        # The others are names that only we and whoever signs by them know (RFC 9728, section 2).
        issuers = [each.issuer for each in settings.issuers if is_safe(each.issuer)]
        if settings.server is not None:
            prefixes.append("")
            issuers.append(settings.resource)
        scopes = sorted({prefix + scope for prefix in prefixes for scope in SCOPES})
        self._body = msgspec.json.encode(
            {
                "resource": settings.resource,
                "authorization_servers": issuers,
                "scopes_supported": scopes,
                "bearer_methods_supported": ["header"],
            }
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Tell it."""
        await send_body(send, 200, [JSON], self._body)
