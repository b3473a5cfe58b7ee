"""Gemini's embeddings: a batch of texts, a vector for each."""

from typing import Any

import msgspec

from forebay.core.types import Usage
from forebay.providers.dialects.embeddings import Texts, embeddings_body


class Values(msgspec.Struct):
    """One vector."""

    values: list[float]


class Counted(msgspec.Struct, rename="camel"):
    """``usageMetadata``."""

    prompt_token_count: int = 0


class Batch(msgspec.Struct, rename="camel"):
    """``BatchEmbedContentsResponse``."""

    embeddings: list[Values]
    usage_metadata: Counted | None = None


_batches = msgspec.json.Decoder(Batch)


def batch_request(asked: Texts, model: str) -> bytes:
    """The body of ``:batchEmbedContents``."""
    each: dict[str, Any] = {"model": f"models/{model}"}
    if asked.dimensions is not None:
        each["outputDimensionality"] = asked.dimensions
    requests = [{**each, "content": {"parts": [{"text": text}]}} for text in asked.texts]
    return msgspec.json.encode({"requests": requests})


def read_batch(asked: Texts, model: str, body: bytes) -> tuple[bytes, Usage]:
    """OpenAI's reply, and the usage."""
    batch = _batches.decode(body)
    usage = Usage(batch.usage_metadata.prompt_token_count if batch.usage_metadata else 0)
    return embeddings_body(asked, [each.values for each in batch.embeddings], model, usage), usage
