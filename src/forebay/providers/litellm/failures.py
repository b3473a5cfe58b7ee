"""What LiteLLM raises, in Forebay's terms: by the status it gives, and by what it knows besides."""

import logging
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from forebay.core.errors import ForebayError, UpstreamError
from forebay.providers.failures import KEPT_HEADERS, Told, meaning

_CODES: Final[Mapping[str, str]] = {
    "ContextWindowExceededError": "context_length_exceeded",
    "ContentPolicyViolationError": "content_filter",
    "UnsupportedParamsError": "unsupported_parameter",
}
_UNKNOWN_PROVIDER: Final = ("LiteLLMUnknownProvider", "LLM Provider NOT provided")
_PREFIXES: Final = re.compile(r"\A(?:litellm\.)?(?:\w+(?:Error|Exception|Timeout|Timeout Error)\s*[:-]\s*)+")
_REFUSED: Final = re.compile(r"does not support parameters: \[?'?(\w+)")
_SERVER_ERROR: Final = 500

logger = logging.getLogger("forebay.providers")


def meaning_of(error: Exception, provider: str, secrets: tuple[str, ...]) -> ForebayError:
    """The error that a client is told about."""
    error = getattr(error, "original_exception", None) or error
    kind, text = type(error).__name__, _PREFIXES.sub("", str(error))
    logger.warning("%s: LiteLLM raised %s", provider, kind)
    if kind == _UNKNOWN_PROVIDER[0] or text.startswith(_UNKNOWN_PROVIDER[1]):
        return UpstreamError(f"The provider '{provider}' is none that LiteLLM can ask for this.")
    told = _told(text, secrets)
    if kind in _CODES:
        param = _REFUSED.search(text)
        told = msgspec.structs.replace(told, code=_CODES[kind], param=param[1] if param else told.param)
    status = getattr(error, "status_code", None)
    return meaning(status if isinstance(status, int) else _SERVER_ERROR, told, provider, _headers(error))


def _told(text: str, secrets: tuple[str, ...]) -> Told:
    """What the upstream said, which LiteLLM quotes most often as the JSON that it was."""
    _, brace, rest = text.partition("{")
    told = Told.of((brace + rest).encode(), secrets) if brace else Told()
    return told if told.message else Told.of(msgspec.json.encode({"message": text}), secrets)


def _headers(error: Exception) -> dict[str, str]:
    response = getattr(error, "response", None)
    found: Any = getattr(error, "litellm_response_headers", None) or getattr(response, "headers", None) or {}
    pairs = [(str(name).lower(), str(value)) for name, value in found.items()]
    return {name: value for name, value in pairs if name.startswith(KEPT_HEADERS) and value.isprintable()}
