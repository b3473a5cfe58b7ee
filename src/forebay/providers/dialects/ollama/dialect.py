"""The provider kind ``ollama``."""

import functools
from typing import Annotated

import msgspec

from forebay.core.types import Call
from forebay.plugins import ProviderPlugin
from forebay.providers.dialects.dialect import Embedding, Exchange, Plain
from forebay.providers.dialects.embeddings import read_texts
from forebay.providers.dialects.framing import Lines
from forebay.providers.dialects.ollama.embedding import embed_request, read_embedded
from forebay.providers.dialects.ollama.reply import REASONS, OllamaReader
from forebay.providers.dialects.ollama.request import TRANSLATED, Defaults, chat_request
from forebay.providers.dialects.parameters import Parameters
from forebay.providers.dialects.provider import DialectProvider
from forebay.providers.dialects.settings import DialectSettings

CHAT, EMBED = b"/api/chat", b"/api/embed"


class OllamaSettings(DialectSettings, frozen=True, forbid_unknown_fields=True):
    """An Ollama.

    ``context`` is how many tokens prompt and answer may have together: Ollama cuts off what is more, and its own
    default is low. ``keep_alive`` is how long a model stays loaded, such as ``10m``, or ``-1`` for ever.
    """

    base_url: str = "http://127.0.0.1:11434"
    context: Annotated[int, msgspec.Meta(ge=1)] | None = None
    keep_alive: str | None = None

    def __post_init__(self) -> None:
        bare = self.base_url.rstrip("/").removesuffix("/v1").removesuffix("/api")
        msgspec.structs.force_setattr(self, "base_url", bare)
        super().__post_init__()


class OllamaDialect(Plain):
    """Ollama's own API."""

    framing = Lines

    def __init__(self, settings: OllamaSettings) -> None:
        super().__init__(REASONS)
        self._defaults = Defaults(settings.max_tokens, settings.context, settings.keep_alive)
        self._parameters = Parameters(TRANSLATED, drop=settings.drop_params)

    def chat(self, call: Call, model: str) -> Exchange:
        """``POST /api/chat``."""
        body = chat_request(call.request, model, self._defaults, self._parameters)
        return Exchange(CHAT, msgspec.json.encode(body), OllamaReader())

    def embed(self, call: Call, model: str) -> Embedding:
        """``POST /api/embed``."""
        asked = read_texts(call.request)
        return Embedding(EMBED, embed_request(asked, model), functools.partial(read_embedded, asked, model))


def build(name: str, settings: OllamaSettings) -> DialectProvider:
    """A provider that asks an Ollama."""
    headers = {"accept": "application/json, application/x-ndjson"}
    if settings.api_key:
        headers["authorization"] = f"Bearer {settings.api_key.reveal()}"
    return DialectProvider(name, OllamaDialect(settings), settings, headers)


plugin = ProviderPlugin(settings=OllamaSettings, build=build)
