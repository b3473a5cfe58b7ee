"""The provider kind ``gemini``: the Gemini API with a key."""

import functools
import re
from collections.abc import Mapping

import msgspec

from forebay.core.errors import ModelNotFoundError
from forebay.core.types import Call
from forebay.plugins import ProviderPlugin
from forebay.providers.dialects.dialect import Embedding, Exchange, Failure, Plain
from forebay.providers.dialects.embeddings import read_texts
from forebay.providers.dialects.gemini.embedding import batch_request, read_batch
from forebay.providers.dialects.gemini.reply import REASONS, GeminiReader
from forebay.providers.dialects.gemini.request import TRANSLATED, content_request
from forebay.providers.dialects.parameters import Parameters
from forebay.providers.dialects.provider import DialectProvider
from forebay.providers.dialects.settings import DialectSettings

_MODEL = re.compile(r"[A-Za-z0-9][\w.@-]*", re.ASCII)
_RETRY = re.compile(rb'"retryDelay"\s*:\s*"(\d{1,6})(?:\.\d+)?s"')
_BAD_KEY = (b"API_KEY_INVALID", b"API key not valid", b"API key expired")
BAD_REQUEST, UNAUTHENTICATED = 400, 401


class GeminiSettings(DialectSettings, frozen=True, forbid_unknown_fields=True):
    """The Gemini API, or what speaks as it does at another address."""

    base_url: str = "https://generativelanguage.googleapis.com/v1beta"


class GoogleDialect(Plain):
    """What the Gemini API and Vertex AI have in common; ``ids``: calls have them."""

    ids = True

    def __init__(self, settings: DialectSettings) -> None:
        super().__init__(REASONS)
        self._max_tokens = settings.max_tokens
        self._parameters = Parameters(TRANSLATED, drop=settings.drop_params)

    def chat(self, call: Call, model: str) -> Exchange:
        """``:generateContent``, or ``:streamGenerateContent``."""
        path = self.path(model)
        chat = self._parameters.read(call.request)
        body = content_request(chat, path.rpartition("/")[2], self._max_tokens, ids=self.ids)
        action = ":streamGenerateContent?alt=sse" if call.request.stream else ":generateContent"
        return Exchange((path + action).encode(), msgspec.json.encode(body), GeminiReader(), choices=chat.n or 1)

    def path(self, model: str) -> str:
        """Where ``model`` is, below the base URL.

        Raises:
            ModelNotFoundError: no model can have that name.
        """
        return f"/models/{model_name(model)}"

    def failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Failure:  # noqa: ARG002  # the port's
        """A bad key comes as 400; when to come again stands in the body."""
        if status == BAD_REQUEST and any(words in body for words in _BAD_KEY):
            return Failure(UNAUTHENTICATED)
        delay = _RETRY.search(body)
        return Failure(status, {"retry-after": str(int(delay[1]) + 1)} if delay else {})


class GeminiDialect(GoogleDialect):
    """The Gemini API."""

    def embed(self, call: Call, model: str) -> Embedding:
        """``:batchEmbedContents``."""
        asked, name = read_texts(call.request), model_name(model)
        path = f"/models/{name}:batchEmbedContents".encode()
        return Embedding(path, batch_request(asked, name), functools.partial(read_batch, asked, model))


def model_name(model: str) -> str:
    """The bare name of ``model``, fit for a path.

    Raises:
        ModelNotFoundError: no model can have that name.
    """
    name = model.removeprefix("models/")
    if not _MODEL.fullmatch(name):
        raise ModelNotFoundError("The provider has no model of that name.", param="model")
    return name


def build(name: str, settings: GeminiSettings) -> DialectProvider:
    """A provider that asks the Gemini API."""
    headers = {"x-goog-api-key": settings.api_key.reveal()} if settings.api_key else {}
    return DialectProvider(name, GeminiDialect(settings), settings, headers)


plugin = ProviderPlugin(settings=GeminiSettings, build=build)
