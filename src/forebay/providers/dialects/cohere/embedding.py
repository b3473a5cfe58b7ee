"""Cohere's embeddings: up to 96 texts, a vector for each."""

from typing import Any

import msgspec

from forebay.core.errors import InvalidRequestError
from forebay.core.types import Usage
from forebay.providers.dialects.cohere.reply import Numbers
from forebay.providers.dialects.embeddings import Texts, embeddings_body

MOST_TEXTS = 96


class Meta(msgspec.Struct):
    """``meta``: embeddings are counted only as they are billed."""

    billed_units: Numbers | None = None


class ByType(msgspec.Struct):
    """``embeddings``, in the only type that is asked for."""

    float: list[list[float]]


class Embedded(msgspec.Struct):
    """``EmbedByTypeResponse``."""

    embeddings: ByType
    meta: Meta | None = None


_embedded = msgspec.json.Decoder(Embedded)


def embed_request(asked: Texts, model: str) -> bytes:
    """The body of ``POST /v2/embed``; texts are documents unless the request says (``input_type``).

    Raises:
        InvalidRequestError: too many texts.
    """
    if len(asked.texts) > MOST_TEXTS:
        raise InvalidRequestError(f"This provider embeds at most {MOST_TEXTS} texts at once.", param="input")
    body: dict[str, Any] = {"model": model, "texts": asked.texts, "embedding_types": ["float"]}
    body["input_type"] = asked.input_type or "search_document"
    if asked.dimensions is not None:
        body["output_dimension"] = asked.dimensions
    return msgspec.json.encode(body)


def read_embedded(asked: Texts, model: str, body: bytes) -> tuple[bytes, Usage]:
    """OpenAI's reply, and the usage."""
    found = _embedded.decode(body)
    units = found.meta.billed_units if found.meta else None
    usage = Usage(int(units.input_tokens or 0) if units else 0)
    return embeddings_body(asked, found.embeddings.float, model, usage), usage
