"""The sentence embedder as a part of others, in eight bits: what the semantic cache compares questions with.

Its vectors differ by a thousandth or so from those that ``/v1/embeddings`` gives (cosine 0.999) and take half the time.
"""

import asyncio
from array import array
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from forebay.core.entries import CacheUnavailableError
from forebay.engine import catalog, library, metadata
from forebay.engine.errors import LibraryError
from forebay.engine.minilm import VOCABULARY, Embedder
from forebay.plugins import EmbedderPlugin


class _Model(NamedTuple):
    """What is loaded: the model, which weights it has, and how many tokens of a text it can read."""

    embedder: Embedder
    sha256: str
    limit: int


class SentenceEmbedder:
    """One model of the library on one thread, one text after the other (see `minilm` on why never a batch)."""

    def __init__(self, model: str = catalog.EMBEDDING) -> None:
        self._name = model
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forebay-sentences")
        self._model: _Model | None = None

    @property
    def name(self) -> str:
        """The model, the beginning of its weights' hash, and the precision."""
        return f"{self._name}@{self._loaded().sha256[:12]}/openvino-i8-64"

    @property
    def dimensions(self) -> int:
        """384 for MiniLM."""
        return self._loaded().embedder.dimensions

    async def start(self) -> None:
        """Load the model; fetch and convert it first if need be.

        Raises:
            LibraryError: it cannot be had, or is no sentence embedder.
            RuntimeError: OpenVINO cannot read it.
        """
        self._model = await asyncio.get_running_loop().run_in_executor(self._thread, self._load)

    async def embed(self, text: str, /) -> "array[float] | None":
        """The vector of ``text``.

        Raises:
            CacheUnavailableError: the model is not loaded.
        """
        model = self._loaded()
        return await asyncio.get_running_loop().run_in_executor(self._thread, _embedded, model, text)

    async def close(self) -> None:
        """Stop after the text at hand."""
        self._model = None
        await asyncio.to_thread(self._thread.shutdown)

    def _loaded(self) -> _Model:
        if self._model is None:
            raise CacheUnavailableError("The embedding model is not loaded.")
        return self._model

    def _load(self) -> _Model:
        folder = library.ensure(self._name)
        if not (folder / VOCABULARY).is_file():
            raise LibraryError(f"{folder} is no sentence embedder: it has no {VOCABULARY}.")
        described = metadata.read(folder)
        return _Model(Embedder(folder, threads=1, precision="i8"), described.sha256, described.context_length)


def _embedded(model: _Model, text: str) -> "array[float] | None":
    numbers = model.embedder.tokens(text, model.limit)
    if len(numbers) > model.limit:
        return None
    return array("f", model.embedder.embed(numbers).tobytes())


plugin = EmbedderPlugin(build=SentenceEmbedder)
