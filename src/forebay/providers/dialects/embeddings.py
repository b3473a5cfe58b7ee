"""OpenAI's embeddings: the request, typed, and the reply, written."""

import base64
import struct
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from forebay.core.decode import decode
from forebay.core.errors import EmptyArrayError
from forebay.core.types import Request, Usage


class Texts(msgspec.Struct, frozen=True):
    """The body of an embedding request; tokens instead of text mean nothing to other vendors.

    ``input_type`` is Cohere's: what the vectors are for.
    """

    input: str | list[str]
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    input_type: Literal["search_document", "search_query", "classification", "clustering"] | None = None

    @property
    def texts(self) -> Sequence[str]:
        """What to embed, one vector each."""
        return [self.input] if isinstance(self.input, str) else self.input


class Vector(msgspec.Struct):
    """``data[]``."""

    index: int
    embedding: Sequence[float] | str
    object: str = "embedding"


class Tokens(msgspec.Struct):
    """``usage``."""

    prompt_tokens: int
    total_tokens: int


class Vectors(msgspec.Struct):
    """A whole reply."""

    data: list[Vector]
    model: str
    usage: Tokens
    object: str = "list"


def read_texts(request: Request) -> Texts:
    """The request for embeddings in ``request``.

    Raises:
        InvalidRequestError: it is none.
    """
    found = decode(request.body, Texts)
    if not found.texts:
        raise EmptyArrayError("Invalid 'input': expected at least one text.", param="input")
    return found


def embeddings_body(asked: Texts, vectors: Sequence[Sequence[float]], model: str, usage: Usage) -> bytes:
    """The reply, with the numbers in the form that was asked for."""
    write = _packed if asked.encoding_format == "base64" else list
    data = [Vector(index, write(vector)) for index, vector in enumerate(vectors)]
    return msgspec.json.encode(Vectors(data, model, Tokens(usage.prompt_tokens, usage.total_tokens)))


def _packed(vector: Sequence[float]) -> str:
    """Little-endian 32-bit floats in base64."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
