"""Errors as OAuth's clients know them (RFC 6749, section 5.2)."""

from typing import Final

import msgspec

from forebay.api.http import Headers
from forebay.core.errors import ForebayError

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105  # a path
REVOKE_PATH: Final = "/oauth/revoke"
NO_STORE: Final[Headers] = [(b"cache-control", b"no-store"), (b"pragma", b"no-cache")]

CODES: Final = frozenset(
    {"invalid_client", "invalid_scope", "invalid_target", "unauthorized_client", "unsupported_grant_type"}
)
"""Codes of ours that are OAuth's, too (``invalid_target``: RFC 8707)."""

_BUSY: Final = frozenset({429, 503})
_SERVERS: Final = 500


def oauth_form(error: ForebayError, request_id: str) -> tuple[int, Headers, bytes]:
    """What tells ``error``, under its status."""
    body = msgspec.json.encode({"error": _code(error), "error_description": error.message.replace('"', "'")})
    return error.status, [*NO_STORE, (b"x-request-id", request_id.encode())], body


def _code(error: ForebayError) -> str:
    if error.code in CODES:
        return error.code
    if error.status in _BUSY:
        return "temporarily_unavailable"
    return "server_error" if error.status >= _SERVERS else "invalid_request"
