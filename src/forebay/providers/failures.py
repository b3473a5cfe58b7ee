"""What an upstream's failure means to the client of a gateway.

An upstream's status keeps its meaning where it is about the request. Where it is about Forebay's own credentials or the
upstream's health it becomes a 502, 503 or 504: a client must never be told that its key is wrong when ours is.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from forebay.core.errors import (
    ConflictError,
    ContextLengthError,
    ForebayError,
    InvalidRequestError,
    ModelNotFoundError,
    PayloadTooLargeError,
    RateLimitError,
    ServerError,
    UnavailableError,
    UpstreamError,
    UpstreamTimeoutError,
)
from forebay.providers.transport import PoolFullError, Response, TimedOutError, TransportError, UnsendableError

BODY_BYTES = 64 * 1024
MESSAGE_CHARACTERS = 2000

INVALID = {400, 422}
OUR_CREDENTIALS = {401, 403}
KEPT: Mapping[int, type[ForebayError]] = {
    402: RateLimitError,
    408: UpstreamTimeoutError,
    409: ConflictError,
    413: PayloadTooLargeError,
    429: RateLimitError,
    503: UnavailableError,
    504: UpstreamTimeoutError,
    529: UnavailableError,
}
KEPT_HEADERS = ("retry-after", "x-ratelimit-")
_TOO_LONG = ("context_length_exceeded", "maximum context length", "context length", "prompt is too long")


class Told(msgspec.Struct, frozen=True):
    """What an error body says, of whatever shape it is."""

    message: str = ""
    code: str | None = None
    param: str | None = None

    @classmethod
    def of(cls, body: bytes) -> "Told":
        """From OpenAI's ``{"error": {...}}``, or the like of it: ``{"error": "..."}``, ``{"message": "..."}``."""
        try:
            decoded = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            return cls()
        if not isinstance(decoded, dict):
            return cls()
        error = decoded.get("error", decoded)
        if not isinstance(error, dict):
            return cls(_text(error) or "")
        message = _text(error.get("message")) or _text(error.get("detail")) or ""
        return cls(message[:MESSAGE_CHARACTERS], _text(error.get("code")), _text(error.get("param")))


async def refusal(response: Response, provider: str) -> ForebayError:
    """The error behind a reply whose status is not 200; its body is read, within bounds."""
    try:
        body = await response.read(BODY_BYTES)
    except TransportError:
        body = b""  # the status says enough
    return meaning(response.status, Told.of(body), provider, _kept(response))


def meaning(status: int, told: Told, provider: str, headers: dict[str, str]) -> ForebayError:
    """``status`` and what was said with it, in Forebay's terms."""
    said = told.message or f"The provider '{provider}' answered with status {status}."
    if status in INVALID:
        return _invalid(told, said)
    if status in OUR_CREDENTIALS:
        return UpstreamError(f"The provider '{provider}' refused the credentials that Forebay has for it.")
    if status == HTTPStatus.NOT_FOUND:
        return _not_found(told, said)
    kind = KEPT.get(status)
    if kind is None:
        return UpstreamError(f"The provider '{provider}' failed: {said}")
    code = "insufficient_quota" if status == HTTPStatus.PAYMENT_REQUIRED else told.code
    return kind(said, param=told.param, code=code, headers=headers)


def broken(error: TransportError, provider: str) -> ForebayError:
    """A reply that never came, or broke off."""
    match error:
        case TimedOutError():
            return UpstreamTimeoutError(f"The provider '{provider}' did not answer in time: {error}.")
        case PoolFullError():
            return UnavailableError(f"The provider '{provider}' is busy: {error}.", headers={"retry-after": "1"})
        case UnsendableError():
            return ServerError(f"The request to '{provider}' cannot be sent: {error}.")
        case _:
            return UpstreamError(f"The provider '{provider}' failed: {error}.")


def _invalid(told: Told, said: str) -> ForebayError:
    known = f"{told.code} {told.message}".lower()
    if any(words in known for words in _TOO_LONG):
        return ContextLengthError(said, param=told.param)
    return InvalidRequestError(said, param=told.param, code=told.code)


def _not_found(told: Told, said: str) -> ForebayError:
    if told.code == "model_not_found" or "model" in told.message.lower():
        return ModelNotFoundError(said, param="model")
    return UpstreamError(said)


def _kept(response: Response) -> dict[str, str]:
    headers = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers.items())
    return {name: value for name, value in headers if name.startswith(KEPT_HEADERS)}


def _text(value: Any) -> str | None:  # noqa: ANN401  # whatever stood in a foreign body
    return str(value) if isinstance(value, (str, int)) else None
