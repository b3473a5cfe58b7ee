"""Errors as Anthropic's clients know them."""

import msgspec

from forebay.api.http import Headers
from forebay.core.errors import ForebayError

# Anthropic's types by its statuses; ours that it does not have become the nearest of these.
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
STATUSES = {502: 500, 503: 529}
_SERVERS = 500


def anthropic_form(error: ForebayError, request_id: str) -> tuple[int, Headers, bytes]:
    """What tells ``error``, under its status; the id goes by both names."""
    encoded = request_id.encode()
    status, body = _told(error, request_id)
    return status, [(b"request-id", encoded), (b"x-request-id", encoded)], body


def error_event(error: ForebayError, request_id: str) -> bytes:
    """The event that ends a broken stream; no ``message_stop`` follows it."""
    _, body = _told(error, request_id)
    return b"event: error\ndata: " + body + b"\n\n"


def _told(error: ForebayError, request_id: str) -> tuple[int, bytes]:
    status = STATUSES.get(error.status, error.status)
    kind = TYPES.get(status) or TYPES[_SERVERS if status >= _SERVERS else 400]
    body = {"type": "error", "error": {"type": kind, "message": error.message}, "request_id": request_id}
    return status, msgspec.json.encode(body)
