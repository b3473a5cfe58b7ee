"""The semantic tier behind its port: same words, else the nearest question, else nothing; and never without a check.

Two threads do the work, so that the loop does none: the embedder's makes the vector, this one's searches and verifies.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

import numpy as np

from forebay.cache.semantic import normalise as normaliser
from forebay.cache.semantic.index import packed
from forebay.cache.semantic.normalise import normalise
from forebay.cache.semantic.questions import Questions
from forebay.cache.semantic.refusals import changeable
from forebay.cache.semantic.settings import IndexSettings
from forebay.cache.semantic.verify.verifier import Verifier
from forebay.core.entries import CacheUnavailableError, Entry, Match, Question
from forebay.core.ports import Embedder

P = ParamSpec("P")
R = TypeVar("R")

_RECENT: Final = 256
_BATCH: Final = 32

_Row = tuple[bytes, Question, float]


class SemanticTier:
    """An index in this process; what is in it is told by the store at the start."""

    def __init__(self, embedder: Embedder, settings: IndexSettings, clock: Callable[[], float] = time.time) -> None:
        self._embedder = embedder
        self._settings = settings
        self._clock = clock
        self._verifier = Verifier(settings.demands.certainty)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forebay-semantic")
        self._questions: Questions | None = None
        self._recent: OrderedDict[str, bytes] = OrderedDict()
        self._waiting = 0
        self._counts: Counter[str] = Counter()

    async def start(self) -> None:
        """Load the embedder.

        Raises:
            Exception: it cannot be had; the message says why.
        """
        await self._embedder.start()
        self._questions = self._empty()

    async def question(self, scope: bytes, text: str, /) -> Question:
        """``text`` with its vector, unless it is not to be found again: then it has none."""
        plain = normalise(text)
        vector = b"" if changeable(plain) else await self._vector(plain)
        return Question(scope, text, vector or b"", self._name())

    async def find(self, scope: bytes, text: str, threshold: float, /) -> Match | None:
        """The question of ``scope`` that asks for the same."""
        plain = normalise(text)
        if changeable(plain):
            self._counts["changeable"] += 1
            return None
        # Two look-ups in dictionaries: a change of thread would take longer.
        key = self._loaded().same(scope, plain, self._clock())
        if key is not None:
            self._counts["same_words"] += 1
            return Match(key, 1.0)
        vector = await self._vector(plain)
        if not vector:
            return None
        least = max(threshold, self._settings.demands.cosine)
        match, refused = await self._run(self._nearest, scope, plain, vector, least)
        self._counts.update(refused)
        self._counts["verified" if match else "none"] += 1
        return match

    async def add(self, key: bytes, question: Question, expires: float, /) -> None:
        """Let ``question`` be found until ``expires``."""
        await self._run(self._add, [(key, question, expires)])

    async def remove(self, key: bytes, /) -> None:
        """Let ``key`` be found no more."""
        await self._run(self._loaded().remove, key)

    async def rebuild(self, entries: AsyncIterator[tuple[bytes, Entry]], /) -> int:
        """Forget everything and add the questions of ``entries``, some at a time: others may be asked in between."""
        self._questions = self._empty()
        used, rows = 0, list[_Row]()
        async for key, entry in entries:
            if entry.question is not None:
                rows.append((key, entry.question, entry.expires))
            if len(rows) >= _BATCH:
                used += await self._run(self._add, rows)
                rows = []
        return used + await self._run(self._add, rows)

    def gauges(self) -> Mapping[str, float]:
        """How much it holds, what it found and what it refused, rule by rule."""
        held = self._questions
        return {"entries": len(held) if held else 0, "bytes": held.size() if held else 0, **self._counts}

    async def close(self) -> None:
        """Free everything."""
        self._questions = None
        await self._embedder.close()
        await asyncio.to_thread(self._thread.shutdown)

    def _empty(self) -> Questions:
        return Questions(self._embedder.dimensions, self._settings.max_entries)

    def _name(self) -> str:
        """Vectors of another name are not comparable: of another model, quantisation or normaliser."""
        return f"{self._embedder.name}/i8/normaliser-{normaliser.VERSION}"

    async def _vector(self, plain: str) -> bytes | None:
        """The packed vector of a normalised text; ``None`` if it is too long, or too many wait already."""
        if plain in self._recent:
            self._recent.move_to_end(plain)
            return self._recent[plain]
        if self._waiting >= self._settings.max_waiting:
            self._counts["too_busy"] += 1
            return None
        self._waiting += 1
        try:
            made = await self._embedder.embed(plain)
        finally:
            self._waiting -= 1
        if made is None:
            self._counts["too_long"] += 1
            return None
        vector = self._recent[plain] = packed(np.frombuffer(made, np.float32))
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return vector

    async def _run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        self._loaded()
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))

    def _loaded(self) -> Questions:
        if self._questions is None:
            raise CacheUnavailableError("The semantic index is not loaded.")
        return self._questions

    # What follows runs in the thread.

    def _nearest(self, scope: bytes, plain: str, vector: bytes, least: float) -> tuple[Match | None, Counter[str]]:
        """The first of the nearest that passes, and why the others did not."""
        refused: Counter[str] = Counter()
        for key, text, cosine in self._loaded().nearest(scope, vector, self._settings.candidates, self._clock()):
            if cosine < least:
                break
            reason = self._verifier.refusal(plain, text, cosine)
            if reason is None:
                return Match(key, min(cosine, 1.0)), refused
            refused[f"refused_{reason}"] += 1
        return None, refused

    def _add(self, rows: list[_Row]) -> int:
        """Add what is of use; how many those were."""
        questions, now, used = self._loaded(), self._clock(), 0
        for key, question, expires in rows:
            fits = question.embedder == self._name() and len(question.vector) == self._embedder.dimensions
            if fits and expires > now:
                questions.add(key, question.scope, normalise(question.text), question.vector, expires, now)
                used += 1
        return used
