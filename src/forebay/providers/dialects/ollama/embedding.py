"""Ollama's embeddings: a vector for each text."""

from typing import Any

import msgspec

from forebay.core.types import Usage
from forebay.providers.dialects.embeddings import Texts, embeddings_body


class Embedded(msgspec.Struct):
    """``EmbedResponse``."""

    embeddings: list[list[float]]
    prompt_eval_count: int = 0


_embedded = msgspec.json.Decoder(Embedded)


def embed_request(asked: Texts, model: str) -> bytes:
    """The body of ``POST /api/embed``; a text that is too long is an error, as it is at OpenAI."""
    body: dict[str, Any] = {"model": model, "input": asked.texts, "truncate": False}
    if asked.dimensions is not None:
        body["dimensions"] = asked.dimensions
    return msgspec.json.encode(body)


def read_embedded(asked: Texts, model: str, body: bytes) -> tuple[bytes, Usage]:
    """OpenAI's reply, and the usage."""
    found = _embedded.decode(body)
    usage = Usage(found.prompt_eval_count)
    return embeddings_body(asked, found.embeddings, model, usage), usage
