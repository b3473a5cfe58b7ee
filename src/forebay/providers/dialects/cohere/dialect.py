"""The provider kind ``cohere``."""

import functools
from collections.abc import Mapping

import msgspec

from forebay.core.types import Call
from forebay.plugins import ProviderPlugin
from forebay.providers.dialects.cohere.embedding import embed_request, read_embedded
from forebay.providers.dialects.cohere.reply import REASONS, CohereReader
from forebay.providers.dialects.cohere.request import TRANSLATED, chat_request
from forebay.providers.dialects.dialect import Embedding, Exchange, Failure, Plain
from forebay.providers.dialects.embeddings import read_texts
from forebay.providers.dialects.parameters import Parameters
from forebay.providers.dialects.provider import DialectProvider
from forebay.providers.dialects.settings import DialectSettings

CHAT, EMBED = b"/v2/chat", b"/v2/embed"
INVALID_TOKEN, UNAUTHENTICATED = 498, 401


class CohereSettings(DialectSettings, frozen=True, forbid_unknown_fields=True):
    """Cohere, or what speaks as it does at another address."""

    base_url: str = "https://api.cohere.com"


class CohereDialect(Plain):
    """Version 2 of the API."""

    def __init__(self, settings: DialectSettings) -> None:
        super().__init__(REASONS)
        self._max_tokens = settings.max_tokens
        self._parameters = Parameters(TRANSLATED, drop=settings.drop_params)

    def chat(self, call: Call, model: str) -> Exchange:
        """``POST /v2/chat``."""
        body = chat_request(call.request, model, self._max_tokens, self._parameters)
        return Exchange(CHAT, msgspec.json.encode(body), CohereReader())

    def embed(self, call: Call, model: str) -> Embedding:
        """``POST /v2/embed``."""
        asked = read_texts(call.request)
        return Embedding(EMBED, embed_request(asked, model), functools.partial(read_embedded, asked, model))

    def failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Failure:  # noqa: ARG002  # the port's
        """498 is about our key."""
        return Failure(UNAUTHENTICATED if status == INVALID_TOKEN else status)


def build(name: str, settings: CohereSettings) -> DialectProvider:
    """A provider that asks Cohere."""
    headers = {"authorization": f"Bearer {settings.api_key.reveal()}"} if settings.api_key else {}
    return DialectProvider(name, CohereDialect(settings), settings, headers)


plugin = ProviderPlugin(settings=CohereSettings, build=build)
