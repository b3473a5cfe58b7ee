"""The request bodies of the inference endpoints, as far as the gateway itself reads them.

Everything else in a body is the provider's business: it is passed on as it came, known or not.

Source: OpenAI's API reference for chat completions, completions and embeddings.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from forebay.core.decode import decode
from forebay.core.errors import EmptyArrayError, InvalidRequestError
from forebay.core.types import ADAPTER_MARK, Operation, Request


class StreamOptions(msgspec.Struct, frozen=True):
    """How a stream ends."""

    include_usage: bool | None = None


class ChatBody(msgspec.Struct, frozen=True):
    """``POST /v1/chat/completions``."""

    model: str
    messages: list[msgspec.Raw]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    adapter_id: str | None = None


class CompletionBody(msgspec.Struct, frozen=True):
    """``POST /v1/completions``."""

    model: str
    prompt: msgspec.Raw
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    adapter_id: str | None = None


class EmbeddingBody(msgspec.Struct, frozen=True):
    """``POST /v1/embeddings``."""

    model: str
    input: msgspec.Raw


Reader = Callable[[bytes], Request]


def read_chat(body: bytes) -> Request:
    """A chat request.

    Raises:
        InvalidRequestError: no JSON, a field of the wrong type, or no messages.
    """
    found = decode(body, ChatBody)
    if not found.messages:
        raise EmptyArrayError("Invalid 'messages': expected at least one message.", param="messages")
    return _streamable(Operation.CHAT, found, body)


def read_completion(body: bytes) -> Request:
    """A completion request.

    Raises:
        InvalidRequestError: no JSON, or a field of the wrong type.
    """
    return _streamable(Operation.COMPLETION, decode(body, CompletionBody), body)


def read_embedding(body: bytes) -> Request:
    """An embedding request.

    Raises:
        InvalidRequestError: no JSON, or a field of the wrong type.
    """
    found = decode(body, EmbeddingBody)
    return Request(Operation.EMBEDDING, named(found.model), body)


def read_count(body: bytes) -> Request:
    """A request to count the tokens of a chat's prompt.

    Raises:
        InvalidRequestError: as for a chat.
    """
    return msgspec.structs.replace(read_chat(body), operation=Operation.COUNT, stream=False, include_usage=False)


def _streamable(operation: Operation, found: Any, body: bytes) -> Request:  # noqa: ANN401  # either body above
    options = found.stream_options
    if options is not None and not found.stream:
        raise InvalidRequestError("'stream_options' needs 'stream': true.", param="stream_options")
    include_usage = bool(options and options.include_usage)
    return Request(operation, named(found.model, found.adapter_id), body, bool(found.stream), include_usage)


def named(model: str, adapter: str | None = None) -> str:
    """The model's name; an adapter becomes part of it, so that whatever holds for names holds for adapters.

    One that the name has already is not added again; whether the name has another one, only `Route` can tell.

    Raises:
        InvalidRequestError: it is empty.
    """
    if not model:
        raise InvalidRequestError("'model' is empty; GET /v1/models lists what you may name.", param="model")
    if not adapter or model.endswith(f"{ADAPTER_MARK}{adapter}"):
        return model
    return f"{model}{ADAPTER_MARK}{adapter}"


READERS: dict[Operation, Reader] = {
    Operation.CHAT: read_chat,
    Operation.COMPLETION: read_completion,
    Operation.EMBEDDING: read_embedding,
    Operation.COUNT: read_count,
}
