"""What an upstream's failure means to the client of a gateway.

It keeps its meaning where the client can act on it. Where it is about Forebay's own account or configuration it becomes
a 502 that names the provider: a client must never be told that its key is wrong when ours is.

    400 422            400, with the upstream's message, param and code
    401 403            502: our credentials
    402                429 insufficient_quota: our account
    404                404, if it is about a model or what the provider keeps; else 502: our address
    408 504 522 524    504
    409 413 415        the same
    429                429, with retry-after
    498 503 529        503, with retry-after
    405 424 3xx 5xx    502
"""

import functools
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import (
    ConflictError,
    ContentFilterError,
    ContextLengthError,
    EmptyArrayError,
    ForebayError,
    InvalidRequestError,
    ModelNotFoundError,
    NotFoundError,
    PayloadTooLargeError,
    RateLimitError,
    ServerError,
    UnavailableError,
    UnsupportedMediaTypeError,
    UnsupportedParameterError,
    UpstreamError,
    UpstreamTimeoutError,
)
from forebay.providers.transport import (
    ClosedError,
    ConnectError,
    PoolFullError,
    Response,
    TimedOutError,
    TransportError,
    UnsendableError,
)

BODY_BYTES = 64 * 1024
MESSAGE_CHARACTERS = 2000
KEPT_HEADERS = ("retry-after", "x-ratelimit-")

# Seconds (or milliseconds) or a date, RFC 9110, section 10.2.3: what is neither might make a client come at once.
_WHEN = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?|[A-Z][a-z]+, [0-9A-Za-z :+-]{10,30}")

logger = logging.getLogger("forebay.providers")

_BY_CODE: Mapping[str, type[InvalidRequestError]] = {
    "context_length_exceeded": ContextLengthError,
    "content_filter": ContentFilterError,
    "content_policy_violation": ContentFilterError,
    "unsupported_parameter": UnsupportedParameterError,
    "empty_array": EmptyArrayError,
}
_STATUS_OF: Mapping[str, int] = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    **dict.fromkeys(_BY_CODE, 400),
}
_TOO_LONG = (
    "context length",
    "context window",
    "prompt is too long",
    "too many tokens",
    "maximum number of tokens",
    "input is too long",  # Bedrock
    "`inputs` must have less than",  # TGI
    "`inputs` tokens + `max_new_tokens` must be",  # TGI
)


class Told(msgspec.Struct, frozen=True):
    """What an error body says, of whatever shape it is."""

    message: str = ""
    type: str = ""
    code: str | None = None
    param: str | None = None

    @classmethod
    def of(cls, body: bytes, secrets: Iterable[str] = ()) -> "Told":
        """From OpenAI's ``{"error": {...}}``, or the like of it, without the ``secrets`` that some echo.

        ``{"error": "..."}``, ``{"message": "..."}`` (old vLLM, Mistral), ``{"detail": ...}`` (FastAPI), and all that in
        a list (Gemini).
        """
        try:
            decoded = msgspec.json.decode(body)
        except MALFORMED:
            return cls()
        while isinstance(decoded, list) and decoded:
            decoded = decoded[0]
        error = decoded.get("error", decoded) if isinstance(decoded, dict) else decoded
        if not isinstance(error, dict):
            return cls(_text(error, secrets))
        message = error.get("message") or error.get("detail") or error.get("msg")
        return cls(
            _text(message, secrets),
            _text(error.get("type"), secrets),
            _text(error.get("code"), secrets) or None,
            _text(error.get("param"), secrets) or None,
        )


Meaning = Callable[[str, Told], ForebayError]
"""What a status means, with what was said about it."""


def not_found(said: str, told: Told) -> ForebayError:
    """A 404, where it can be about the model or about our address only."""
    about = f"{told.code} {told.type} {told.message} {told.param}".lower()
    if "model" in about or "deployment" in about:
        return ModelNotFoundError(told.message or f"{said}.", param="model")
    return _wrong_address(said, told)


def no_object(said: str, told: Told) -> ForebayError:
    """A 404, where what the client named may be missing."""
    return NotFoundError(told.message or f"{said}: there is no such thing.", param=told.param)


async def refusal(
    response: Response, provider: str, secrets: Iterable[str] = (), missing: Meaning = not_found
) -> ForebayError:
    """The error behind a reply whose status is not 200; its body is read, within bounds. ``missing`` is a 404's."""
    try:
        body = await response.read(BODY_BYTES)
    except TransportError:
        body = b""  # the status says enough
    told = Told.of(body, secrets)
    logger.warning("%s answered with status %d: %s", provider, response.status, told.message)
    return meaning(response.status, told, provider, kept_headers(response), missing)


def meaning(
    status: int, told: Told, provider: str, headers: Mapping[str, str] | None = None, missing: Meaning = not_found
) -> ForebayError:
    """``status`` and what was said with it, in Forebay's terms."""
    usual = _invalid if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR else _failed
    kind = missing if status == HTTPStatus.NOT_FOUND else _MEANINGS.get(status, usual)
    error = kind(f"The provider '{provider}' answered with status {status}", told)
    error.headers.update(headers or {})
    return error


def disguised(told: Told, provider: str) -> ForebayError:
    """An error that came with status 200: its code may tell which status it should have had."""
    logger.warning("%s answered with an error: %s", provider, told.message)
    code = told.code or ""
    if re.fullmatch(r"[45]\d\d", code):
        return meaning(int(code), told, provider)
    if code in _STATUS_OF:
        return meaning(_STATUS_OF[code], told, provider)
    return UpstreamError(f"The provider '{provider}' failed: {told.message or 'it does not say why'}")


def broken(error: TransportError, provider: str) -> ForebayError:
    """A reply that never came, or broke off; addresses and the like are for the log only."""
    logger.warning("%s: %s", provider, error)
    match error:
        case TimedOutError():
            return UpstreamTimeoutError(f"The provider '{provider}' did not answer in time: {error}.")
        case ClosedError():
            said = f"The provider '{provider}' was closed before it had answered; ask again."
            return UnavailableError(said, headers={"retry-after": "1"})
        case PoolFullError():
            return UnavailableError(f"The provider '{provider}' is busy.", headers={"retry-after": "1"})
        case UnsendableError():
            return ServerError(f"The request to '{provider}' cannot be sent: {error}.")
        case ConnectError():
            return UpstreamError(f"The provider '{provider}' failed: it cannot be reached.")
        case _:
            return UpstreamError(f"The provider '{provider}' failed: {error}.")


def kept_headers(response: Response) -> dict[str, str]:
    """What of a refusal's headers helps a client: when to come again, what is left."""
    headers = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers.items())
    kept = {name: value.strip() for name, value in headers if name.startswith(KEPT_HEADERS)}
    return {name: value for name, value in kept.items() if not name.startswith("retry-after") or _WHEN.fullmatch(value)}


def _failed(said: str, told: Told) -> ForebayError:
    return UpstreamError(f"{said}: {told.message}" if told.message else f"{said}.")


def _credentials(said: str, _told: Told) -> ForebayError:
    return UpstreamError(f"{said}: it refused the credentials that Forebay has for it.")


def _no_credit(said: str, _told: Told) -> ForebayError:
    return RateLimitError(f"{said}: Forebay's account there has no credit left.", code="insufficient_quota")


def _too_many(said: str, told: Told) -> ForebayError:
    """One of OpenAI's two codes: clients wait for the one and give up on the other."""
    code = "insufficient_quota" if "insufficient_quota" in (told.code, told.type) else None
    return RateLimitError(told.message or f"{said}.", code=code)


def _unavailable(said: str, told: Told) -> ForebayError:
    return UnavailableError(told.message or f"{said}.")


def _late(said: str, told: Told) -> ForebayError:
    return UpstreamTimeoutError(told.message or f"{said}.")


def _wrong_address(said: str, _told: Told) -> ForebayError:
    return UpstreamError(f"{said}; its base_url may be wrong.")


def _invalid(said: str, told: Told, usual: type[ForebayError] = InvalidRequestError) -> ForebayError:
    message = told.message or f"{said}."
    kind = _BY_CODE.get(told.code or "")
    if kind is None and any(words in message.lower() for words in _TOO_LONG):
        kind = ContextLengthError
    if kind is not None:
        return kind(message, param=told.param)
    return usual(message, param=told.param, code=told.code)


_MEANINGS: Mapping[int, Meaning] = {
    401: _credentials,
    402: _no_credit,
    403: _credentials,
    405: _wrong_address,
    408: _late,
    409: functools.partial(_invalid, usual=ConflictError),
    413: functools.partial(_invalid, usual=PayloadTooLargeError),
    415: functools.partial(_invalid, usual=UnsupportedMediaTypeError),
    424: _failed,
    429: _too_many,
    498: _unavailable,
    503: _unavailable,
    504: _late,
    522: _late,
    524: _late,
    529: _unavailable,
}


def _text(value: Any, secrets: Iterable[str]) -> str:  # noqa: ANN401  # whatever stood in a foreign body
    if value is None:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    for secret in secrets:
        text = text.replace(secret, "***")
    return text[:MESSAGE_CHARACTERS]
