"""Embeddings as a provider: ``POST /v1/embeddings`` answered by all-MiniLM-L6-v2 in the server's own process.

One thread does the work, one text after the other. Each request has at most one text in the thread's queue, so a short
request is not held up by a long one beside it: they take turns.

A text is never cut silently. OpenAI refuses what does not fit, and so does this: up to the model's 512 positions
everything counts, beyond them the answer is a 400. (sentence-transformers, by default, ignores all after the 256th
token of a text for this model; up to there the vectors are the same.)

Source: OpenAI's API reference for embeddings.
"""

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Annotated, Final, Literal, NamedTuple, ParamSpec, TypeVar

import msgspec
import numpy as np
from msgspec import Meta

from forebay.core.decode import decode
from forebay.core.errors import (
    ContextLengthError,
    EmptyArrayError,
    InvalidRequestError,
    RateLimitError,
    UnavailableError,
    UnsupportedParameterError,
)
from forebay.core.types import Call, Deployment, Operation, Reply, Usage, Whole
from forebay.engine import catalog, library, memory, metadata
from forebay.engine.errors import LibraryError
from forebay.engine.local import LocalProvider, LocalSettings
from forebay.engine.minilm import VOCABULARY, Embedder, Vector
from forebay.plugins import Progress, ProviderPlugin

P = ParamSpec("P")
R = TypeVar("R")

MAX_INPUTS: Final = 2048  # OpenAI's.
_FORMATS: Final = ("float", "base64")

Text = str | list[int]
"""What a vector is made of: a text, or the numbers of its tokens."""


class EmbeddingSettings(LocalSettings, frozen=True, forbid_unknown_fields=True):
    """What a deployment may say about its embeddings.

    ``model`` is a name of the catalogue or a folder of the library; ``threads`` are used for one text, one is the most
    economical; ``max_waiting`` is how many requests may be under way at once.
    """

    model: str = catalog.EMBEDDING
    threads: Annotated[int, Meta(ge=1)] = 1
    max_waiting: Annotated[int, Meta(ge=1)] = 256


class Body(msgspec.Struct, frozen=True):
    """A request; ``user`` and everything unknown is let pass."""

    input: str | list[str | int | list[int]]
    encoding_format: str | None = None
    dimensions: int | None = None


class Item(msgspec.Struct, frozen=True):
    """One vector of a reply."""

    index: int
    embedding: msgspec.Raw
    object: Literal["embedding"] = "embedding"


class Counts(msgspec.Struct, frozen=True):
    """The tokens of all texts, with the two that frame each of them."""

    prompt_tokens: int
    total_tokens: int


class List(msgspec.Struct, frozen=True):
    """A reply."""

    data: list[Item]
    model: str
    usage: Counts
    object: Literal["list"] = "list"


class _Model(NamedTuple):
    """What is loaded: the model, and how many tokens of a text it can read."""

    embedder: Embedder
    limit: int


class EmbeddingModel:
    """One sentence embedder, loaded, and what it answers."""

    def __init__(self, settings: EmbeddingSettings) -> None:
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forebay-embedding")
        self._model: _Model | None = None
        self._under_way = 0
        self._tokens = 0

    async def weigh(self) -> int:
        """About how many bytes of memory it will take; it is fetched and converted first if need be.

        Raises:
            LibraryError: it cannot be had.
        """
        folder = partial(library.ensure, self._settings.model)
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: memory.estimate(folder()))

    async def start(self) -> None:
        """Load the model; fetch and convert it first if need be.

        Raises:
            LibraryError: it cannot be had, or is no sentence embedder.
            RuntimeError: OpenVINO cannot read it.
        """
        self._model = await asyncio.get_running_loop().run_in_executor(self._thread, self._load)

    async def close(self) -> None:
        """Stop after the text at hand; those who still wait are told."""
        self._model = None
        await asyncio.to_thread(self._thread.shutdown)

    def failure(self) -> str | None:
        """It can answer as soon as it has been started."""
        return None if self._model else "The embedding model is not loaded."

    def gauges(self) -> Mapping[str, float]:
        """What it is doing, for metrics."""
        return {"requests": self._under_way, "prompt_tokens_total": self._tokens}

    async def answer(self, call: Call, deployment: Deployment, /) -> Reply:  # noqa: ARG002 - there is but one model
        """Answer a request for embeddings.

        Raises:
            ForebayError: the request cannot be answered, or not now.
        """
        if call.request.operation is not Operation.EMBEDDING:
            raise InvalidRequestError("This model makes embeddings and nothing else.", param="model")
        body = decode(call.request.body, Body)
        texts = _texts(body)
        if self._under_way >= self._settings.max_waiting:
            raise RateLimitError(
                f"{self._under_way} requests for embeddings are under way already. Try again later.",
                headers={"retry-after": "1"},
            )
        self._under_way += 1
        try:
            return await self._reply(call, body, texts)
        finally:
            self._under_way -= 1

    async def _reply(self, call: Call, body: Body, texts: list[Text]) -> Reply:
        trace = call.trace
        trace.provider_started = time.perf_counter()
        trace.queue_seconds = await self._run(_seconds_since, trace.provider_started)
        write = _base64 if body.encoding_format == "base64" else _floats
        _check(body, self._loaded().embedder)
        # All of them first: nothing is computed for a request that will be refused.
        numbers = [await self._run(_numbers, self._loaded(), *each) for each in enumerate(texts)]
        data = [
            Item(index, await self._run(_embedding, self._loaded(), each, write)) for index, each in enumerate(numbers)
        ]
        count = sum(map(len, numbers))
        self._tokens += count
        trace.usage = Usage(prompt_tokens=count)
        trace.provider_answered = time.perf_counter()
        return Whole(msgspec.json.encode(List(data, call.request.model, Counts(count, count))), trace.usage)

    async def _run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do ``work`` in the thread, after what waits there already."""
        self._loaded()
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))

    def _loaded(self) -> _Model:
        if self._model is None:
            raise UnavailableError("The embedding model is not loaded.")
        return self._model

    def _load(self) -> _Model:
        folder = library.ensure(self._settings.model)
        if not (folder / VOCABULARY).is_file():
            raise LibraryError(f"{folder} is no sentence embedder: it has no {VOCABULARY}.")
        return _Model(Embedder(folder, threads=self._settings.threads), metadata.read(folder).context_length)


def _texts(body: Body) -> list[Text]:
    """The texts of a request, however many and in whichever of the four forms."""
    given = body.input
    if isinstance(given, str):
        return _not_empty([given])
    if not given:
        raise EmptyArrayError("Invalid 'input': expected at least one text.", param="input")
    if len(given) > MAX_INPUTS:
        raise InvalidRequestError(
            f"Invalid 'input': it has {len(given)} elements, but at most {MAX_INPUTS} are taken at once.", param="input"
        )
    if len({type(each) for each in given}) > 1:
        raise InvalidRequestError("Invalid 'input': texts and tokens cannot be mixed.", param="input")
    tokens = [each for each in given if isinstance(each, int)]
    return [tokens] if tokens else _not_empty([each for each in given if not isinstance(each, int)])


def _not_empty(texts: list[Text]) -> list[Text]:
    for index, text in enumerate(texts):
        if not text:
            raise InvalidRequestError(f"Invalid 'input': text {index} is empty.", param="input")
    return texts


def _check(body: Body, embedder: Embedder) -> None:
    if body.encoding_format not in (None, *_FORMATS):
        raise InvalidRequestError(
            f"Invalid 'encoding_format': expected one of {', '.join(_FORMATS)}.", param="encoding_format"
        )
    if body.dimensions not in (None, embedder.dimensions):
        raise UnsupportedParameterError(
            f"This model makes vectors of {embedder.dimensions} numbers and cannot shorten them.", param="dimensions"
        )


# What follows runs in the thread.


def _seconds_since(start: float) -> float:
    return time.perf_counter() - start


def _numbers(model: _Model, index: int, text: Text) -> list[int]:
    """The numbers that the model reads for ``text``.

    Tokens of the client's own get the model's frame too, unless it is there already.
    """
    embedder, limit = model
    if isinstance(text, str):
        numbers = embedder.tokens(text, limit)
    else:
        _check_tokens(text, index, embedder)
        numbers = text if embedder.is_framed(text) else embedder.frame(text)
    if len(numbers) > limit:
        raise ContextLengthError(
            f"Text {index} of the input is too long: this model reads at most {limit} tokens, two of which are its "
            "own. Split the text and embed the parts.",
            param="input",
        )
    return numbers


def _check_tokens(tokens: list[int], index: int, embedder: Embedder) -> None:
    known = len(embedder.tokenizer)
    wrong = next((token for token in tokens if not 0 <= token < known), None)
    if wrong is not None:
        raise InvalidRequestError(
            f"Text {index} of the input has the token {wrong}, but this model knows only 0 to {known - 1}. Tokens of "
            "another model mean nothing to it: send the text itself (LangChain: check_embedding_ctx_length=False).",
            param="input",
        )


def _embedding(model: _Model, numbers: list[int], write: Callable[[Vector], bytes]) -> msgspec.Raw:
    return msgspec.Raw(write(model.embedder.embed(numbers)))


def _floats(vector: Vector) -> bytes:
    return msgspec.json.encode(vector.tolist())


def _base64(vector: Vector) -> bytes:
    return b'"' + base64.b64encode(vector.astype(np.dtype("<f4")).tobytes()) + b'"'


class EmbeddingProvider(LocalProvider[EmbeddingModel]):
    """One sentence embedder on this machine's CPU."""

    def __init__(self, settings: EmbeddingSettings, name: str = "embeddings") -> None:
        super().__init__(name, partial(EmbeddingModel, settings), settings)

    @property
    def operations(self) -> frozenset[Operation]:
        """Embeddings alone."""
        return frozenset({Operation.EMBEDDING})


def _build(name: str, settings: EmbeddingSettings) -> EmbeddingProvider:
    return EmbeddingProvider(settings, name)


def _prepare(settings: EmbeddingSettings, progress: Progress) -> None:
    library.ensure(settings.model, progress)


plugin = ProviderPlugin(settings=EmbeddingSettings, build=_build, prepare=_prepare, per_host=True, own=True)
