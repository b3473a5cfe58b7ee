"""The request bodies of the inference endpoints, as far as the gateway itself reads them.

Everything else in a body is the provider's business: it is passed on as it came, known or not.

Source: OpenAI's API reference; vLLM's and Jina's for ``rerank``.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from forebay.api.multipart import MEDIA_TYPE, field
from forebay.core.cachecontrol import CacheControl
from forebay.core.decode import decode
from forebay.core.errors import EmptyArrayError, InvalidRequestError, UnsupportedMediaTypeError
from forebay.core.form import Form
from forebay.core.names import flaw
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
    cache: CacheControl | None = None
    watermark: bool | None = None


class CompletionBody(msgspec.Struct, frozen=True):
    """``POST /v1/completions``."""

    model: str
    prompt: msgspec.Raw
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    adapter_id: str | None = None
    cache: CacheControl | None = None
    watermark: bool | None = None


class EmbeddingBody(msgspec.Struct, frozen=True):
    """``POST /v1/embeddings``."""

    model: str
    input: msgspec.Raw
    cache: CacheControl | None = None


class RerankBody(msgspec.Struct, frozen=True):
    """``POST /v1/rerank``."""

    model: str
    query: msgspec.Raw
    documents: list[msgspec.Raw]


class ModerationBody(msgspec.Struct, frozen=True):
    """``POST /v1/moderations``."""

    input: msgspec.Raw
    model: str | None = None


class SpeechBody(msgspec.Struct, frozen=True):
    """``POST /v1/audio/speech``."""

    model: str
    input: str
    stream_format: str | None = None


class ImageBody(msgspec.Struct, frozen=True):
    """``POST /v1/images/generations``, and ``/v1/images/edits`` where the images are named in JSON."""

    model: str
    prompt: str
    stream: bool | None = None


Reader = Callable[[bytes], Request]
FormReader = Callable[[Form], Request]

MODERATION_MODEL: Final = "omni-moderation-latest"
"""What judges where a request does not say: OpenAI's clients leave it out, and OpenAI takes this one then."""


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
    return _wishing(Request(Operation.EMBEDDING, named(found.model), body), found.cache)


def read_count(body: bytes) -> Request:
    """A request to count the tokens of a chat's prompt.

    Raises:
        InvalidRequestError: as for a chat.
    """
    return msgspec.structs.replace(read_chat(body), operation=Operation.COUNT, stream=False, include_usage=False)


def read_rerank(body: bytes) -> Request:
    """A request to sort documents by how well they answer a query.

    Raises:
        InvalidRequestError: no JSON, a field of the wrong type, or no documents.
    """
    found = decode(body, RerankBody)
    if not found.documents:
        raise EmptyArrayError("Invalid 'documents': expected at least one document.", param="documents")
    return Request(Operation.RERANK, named(found.model), body)


def read_moderation(body: bytes) -> Request:
    """A request to judge texts or images, by `MODERATION_MODEL` if it does not say by which model.

    Raises:
        InvalidRequestError: no JSON, or a field of the wrong type.
    """
    found = decode(body, ModerationBody)
    model = MODERATION_MODEL if found.model is None else found.model
    return Request(Operation.MODERATION, named(model), body)


def read_speech(body: bytes) -> Request:
    """A request to read a text out.

    Raises:
        InvalidRequestError: no JSON, or a field of the wrong type.
    """
    found = decode(body, SpeechBody)
    return Request(Operation.SPEECH, named(found.model), body, found.stream_format == "sse")


def read_image(body: bytes) -> Request:
    """A request to draw an image.

    Raises:
        InvalidRequestError: no JSON, or a field of the wrong type.
    """
    found = decode(body, ImageBody)
    return Request(Operation.IMAGE, named(found.model), body, bool(found.stream))


def read_image_edit(body: bytes) -> Request:
    """A request to change images that are named, not sent.

    Raises:
        InvalidRequestError: no JSON, or a field of the wrong type.
    """
    return msgspec.structs.replace(read_image(body), operation=Operation.IMAGE_EDIT)


def only_forms(body: bytes) -> Request:
    """What a file is sent with can be no JSON.

    Raises:
        UnsupportedMediaTypeError: always.
    """
    del body
    raise UnsupportedMediaTypeError(f"Send the file in a form, with 'content-type: {MEDIA_TYPE}; boundary=…'.")


def form_reader(operation: Operation) -> FormReader:
    """What reads the forms of ``operation``: the model's name, wherever it stands, and whether to stream.

    It raises an `InvalidRequestError` where that is missing, there twice, or no text.
    """

    def read(form: Form) -> Request:
        model = field(form, "model")
        if model is None:
            raise InvalidRequestError("Missing required parameter: 'model'.", param="model")
        return Request(operation, named(model), b"", (field(form, "stream") or "").lower() == "true", form=form)

    return read


def _streamable(operation: Operation, found: Any, body: bytes) -> Request:  # noqa: ANN401  # either body above
    options = found.stream_options
    if options is not None and not found.stream:
        raise InvalidRequestError("'stream_options' needs 'stream': true.", param="stream_options")
    include_usage = bool(options and options.include_usage)
    model = named(found.model, found.adapter_id)
    request = Request(operation, model, body, bool(found.stream), include_usage, watermark=found.watermark)
    return _wishing(request, found.cache)


def _wishing(request: Request, cache: CacheControl | None) -> Request:
    """``request`` with the wishes of its field ``cache`` beside its body, for they are none of the provider's."""
    if cache is None:
        return request
    fields = msgspec.json.decode(request.body, type=dict[str, msgspec.Raw])
    del fields["cache"]
    return msgspec.structs.replace(request, body=msgspec.json.encode(fields), cache=cache)


def named(model: str, adapter: str | None = None) -> str:
    """The model's name; an adapter becomes part of it, so that whatever holds for names holds for adapters.

    One that the name has already is not added again; whether the name has another one, only `Route` can tell.

    Raises:
        InvalidRequestError: it is no name (`core.names`), or that of a whole group of models.
    """
    name = f"{model}{ADAPTER_MARK}{adapter}" if adapter and not model.endswith(f"{ADAPTER_MARK}{adapter}") else model
    wrong = flaw(model) or flaw(name)
    if wrong is None and name.endswith("/*"):
        wrong = "stands for all models with that beginning"
    if wrong is not None:
        raise InvalidRequestError(f"'model' {wrong}; GET /v1/models lists what you may name.", param="model")
    return name


READERS: dict[Operation, Reader] = {
    Operation.CHAT: read_chat,
    Operation.COMPLETION: read_completion,
    Operation.EMBEDDING: read_embedding,
    Operation.COUNT: read_count,
    Operation.RERANK: read_rerank,
    Operation.MODERATION: read_moderation,
    Operation.SPEECH: read_speech,
    Operation.TRANSCRIPTION: only_forms,
    Operation.TRANSLATION: only_forms,
    Operation.IMAGE: read_image,
    Operation.IMAGE_EDIT: read_image_edit,
    Operation.IMAGE_VARIATION: only_forms,
}
"""Who reads the JSON of each operation that names a model."""

FORM_READERS: dict[Operation, FormReader] = {
    operation: form_reader(operation)
    for operation in (
        Operation.TRANSCRIPTION,
        Operation.TRANSLATION,
        Operation.IMAGE_EDIT,
        Operation.IMAGE_VARIATION,
    )
}
"""Who reads its forms, where it takes any."""
