"""The provider kind ``anthropic``."""

from collections.abc import Mapping

import msgspec

from forebay.core.types import Call
from forebay.plugins import ProviderPlugin
from forebay.providers.dialects.anthropic.reply import REASONS, AnthropicReader, tokens_of
from forebay.providers.dialects.anthropic.request import TRANSLATED, count_params, message_params
from forebay.providers.dialects.dialect import Count, Exchange, Plain
from forebay.providers.dialects.parameters import Parameters
from forebay.providers.dialects.provider import DialectProvider
from forebay.providers.dialects.settings import DialectSettings

PATH = b"/v1/messages"
COUNT_PATH = b"/v1/messages/count_tokens"
VERSION = "2023-06-01"


class AnthropicSettings(DialectSettings, frozen=True, forbid_unknown_fields=True):
    """Anthropic, or what speaks as it does at another address."""

    base_url: str = "https://api.anthropic.com"


class AnthropicDialect(Plain):
    """The Messages API."""

    kept_headers: Mapping[bytes, str] = {
        **Plain.kept_headers,
        b"anthropic-ratelimit-requests-limit": "x-ratelimit-limit-requests",
        b"anthropic-ratelimit-requests-remaining": "x-ratelimit-remaining-requests",
        b"anthropic-ratelimit-tokens-limit": "x-ratelimit-limit-tokens",
        b"anthropic-ratelimit-tokens-remaining": "x-ratelimit-remaining-tokens",
    }

    def __init__(self, settings: DialectSettings) -> None:
        super().__init__(REASONS)
        self._max_tokens = settings.max_tokens
        self._parameters = Parameters(TRANSLATED, drop=settings.drop_params)

    def chat(self, call: Call, model: str) -> Exchange:
        """``POST /v1/messages``."""
        params = message_params(call.request, model, self._max_tokens, self._parameters)
        return Exchange(PATH, msgspec.json.encode(params), AnthropicReader())

    def count(self, call: Call, model: str) -> Count:
        """``POST /v1/messages/count_tokens``."""
        params = count_params(call.request, model, self._parameters)
        return Count(COUNT_PATH, msgspec.json.encode(params), tokens_of)


def build(name: str, settings: AnthropicSettings) -> DialectProvider:
    """A provider that asks Anthropic."""
    headers = {"anthropic-version": VERSION, "accept": "application/json"}
    if settings.api_key:
        headers["x-api-key"] = settings.api_key.reveal()
    return DialectProvider(name, AnthropicDialect(settings), settings, headers)


def vendor(settings: AnthropicSettings) -> str:
    """Whose prices hold: at another address, somebody else may send the bill."""
    return "anthropic" if settings.base_url == AnthropicSettings().base_url else ""


plugin = ProviderPlugin(settings=AnthropicSettings, build=build, vendor=vendor)
