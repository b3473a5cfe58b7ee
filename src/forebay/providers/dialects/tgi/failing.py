"""What the errors of TGI and LoRAX mean, as a status or in a stream: ``{"error": "...", "error_type": "..."}``."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from forebay.core.decode import MALFORMED
from forebay.providers.dialects.dialect import Failure, VendorError

STATUS_OF: Mapping[str, int] = {
    "validation": 422,
    "template_error": 422,
    "tool_error": 422,
    "generation": 424,
    "request_failed_during_generation": 424,
    "overloaded": 503,  # all its slots are taken: nobody's quota, and another deployment may have one
    "incomplete_generation": 500,
}

NOTHING = Raw(b"null")
"""What stands for JSON that is not there."""


class Failing(msgspec.Struct, frozen=True):
    """``ErrorResponse``."""

    error_type: str = ""


class _Nested(msgspec.Struct, frozen=True):
    """``error`` in streams of ``/v1``, from version 3 on."""

    error_type: str = ""
    http_status_code: int = 0


_failing = msgspec.json.Decoder(Failing)


def failure(status: int, body: bytes) -> Failure:
    """What a refusal means."""
    try:
        told = _failing.decode(body)
    except MALFORMED:
        return Failure(status)
    return Failure(STATUS_OF["overloaded"] if told.error_type == "overloaded" else status)


def error_in(payload: bytes, error: Raw, error_type: str) -> VendorError:
    """The ``error`` in ``payload``, which came with status 200."""
    try:
        nested = msgspec.json.decode(error, type=_Nested)
    except MALFORMED:
        nested = _Nested()
    kind = error_type or nested.error_type
    return VendorError(STATUS_OF.get(kind, nested.http_status_code or 500), payload)
