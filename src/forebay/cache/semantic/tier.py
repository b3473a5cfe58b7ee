"""The semantic tier behind its port: same words, else the nearest question, else nothing; and never without a check.

Threads do the work, so that the loop does none: the embedder's makes the vector, the index' own searches where it is in
this process, this one's verifies.
"""

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from forebay.cache.semantic import normalise as normaliser
from forebay.cache.semantic.holding import Candidate, QuestionIndex, Row, SharesQuestions
from forebay.cache.semantic.index import packed
from forebay.cache.semantic.local import LocalQuestions
from forebay.cache.semantic.normalise import normalise
from forebay.cache.semantic.refusals import about_form, changeable
from forebay.cache.semantic.settings import IndexSettings
from forebay.cache.semantic.verify.verifier import Verifier
from forebay.core.entries import CacheUnavailableError, Entry, Match, Question
from forebay.core.ports import Embedder

logger = logging.getLogger("forebay.cache")

_RECENT: Final = 256
_BATCH: Final = 32


class SemanticTier:
    """``shared`` may have the index; otherwise it is in this process. ``clock`` tells seconds since the epoch."""

    def __init__(
        self,
        embedder: Embedder,
        settings: IndexSettings,
        clock: Callable[[], float] = time.time,
        shared: SharesQuestions | None = None,
    ) -> None:
        self._embedder = embedder
        self._settings = settings
        self._clock = clock
        self._shared = shared
        self._verifier = Verifier(settings.demands.certainty)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forebay-semantic")
        self._questions: QuestionIndex | None = None
        self._recent: OrderedDict[str, bytes] = OrderedDict()
        self._waiting = 0
        self._counts: Counter[str] = Counter()

    @property
    def is_shared(self) -> bool:
        """Whether all processes have one index."""
        return self._loaded().is_shared

    async def start(self) -> None:
        """Load the embedder, and see where the index can be.

        Raises:
            Exception: the embedder cannot be had; the message says why.
        """
        await self._embedder.start()
        self._questions = await self._chosen()

    async def question(self, scope: bytes, text: str, /) -> Question:
        """``text`` with its vector, unless it is not to be found again: then it has none."""
        plain = normalise(text)
        vector = b"" if changeable(plain) or about_form(plain) else await self._vector(plain)
        return Question(scope, text, vector or b"", self._name())

    async def find(self, scope: bytes, text: str, threshold: float, /) -> Match | None:
        """The question of ``scope`` that asks for the same."""
        plain = normalise(text)
        if changeable(plain):
            self._counts["changeable_total"] += 1
            return None
        if about_form(plain):
            self._counts["about_form_total"] += 1
            return None
        key = await self._loaded().same(scope, plain)
        if key is not None:
            self._counts["same_words_total"] += 1
            return Match(key, 1.0)
        vector = await self._vector(plain)
        if not vector:
            return None
        near = await self._loaded().nearest(scope, vector, self._settings.candidates)
        least = max(threshold, self._settings.demands.cosine)
        match = await self._verified(plain, [each for each in near if each.cosine >= least])
        self._counts["verified_total" if match else "none_total"] += 1
        return match

    async def add(self, key: bytes, question: Question, expires: float, /) -> None:
        """Let ``question`` be found until ``expires``."""
        await self._loaded().add(self._rows([(key, question, expires)]))

    async def remove(self, key: bytes, /) -> None:
        """Let ``key`` be found no more."""
        await self._loaded().remove(key)

    async def rebuild(self, entries: AsyncIterator[tuple[bytes, Entry]], /) -> int:
        """Forget everything that is only here, and add the questions of ``entries``.

        Some at a time: others may be asked in between.
        """
        await self._loaded().clear()
        used, found = 0, list[tuple[bytes, Question, float]]()
        async for key, entry in entries:
            if entry.question is not None:
                found.append((key, entry.question, entry.expires))
            if len(found) >= _BATCH:
                used += await self._add(found)
                found = []
        return used + await self._add(found)

    def gauges(self) -> Mapping[str, float]:
        """How much it holds, what it found and what it refused, rule by rule."""
        held = self._questions.gauges() if self._questions else {}
        return {**held, **self._counts}

    async def close(self) -> None:
        """Free everything."""
        questions, self._questions = self._questions, None
        if questions is not None:
            await questions.close()
        await self._embedder.close()
        await asyncio.to_thread(self._thread.shutdown)

    async def _chosen(self) -> QuestionIndex:
        """The index, which is the store's own if it can have one."""
        most = self._settings.max_entries
        if self._shared is not None and self._settings.place == "auto":
            try:
                shared = await self._shared.questions(self._name(), most)
            except CacheUnavailableError as error:
                shared = None
                logger.warning("the store cannot be asked whether it searches vectors: %s", error)
            if shared is not None:
                logger.info("the semantic index is in the store's server; all processes have one")
                return shared
        logger.info("the semantic index is in this process")
        return LocalQuestions(self._embedder.dimensions, most, self._clock)

    def _name(self) -> str:
        """Vectors of another name are not comparable: of another model, quantisation or normaliser."""
        return f"{self._embedder.name}/i8/normaliser-{normaliser.VERSION}"

    async def _vector(self, plain: str) -> bytes | None:
        """The packed vector of a normalised text; ``None`` if it is too long, or too many wait already."""
        if plain in self._recent:
            self._recent.move_to_end(plain)
            return self._recent[plain]
        if self._waiting >= self._settings.max_waiting:
            self._counts["too_busy_total"] += 1
            return None
        self._waiting += 1
        try:
            made = await self._embedder.embed(plain)
        finally:
            self._waiting -= 1
        if made is None:
            self._counts["too_long_total"] += 1
            return None
        vector = self._recent[plain] = packed(np.frombuffer(made, np.float32))
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return vector

    def _loaded(self) -> QuestionIndex:
        if self._questions is None:
            raise CacheUnavailableError("The semantic index is not loaded.")
        return self._questions

    async def _add(self, found: Sequence[tuple[bytes, Question, float]]) -> int:
        rows = self._rows(found)
        if rows:
            await self._loaded().add(rows)
        return len(rows)

    def _rows(self, found: Sequence[tuple[bytes, Question, float]]) -> list[Row]:
        """What of ``found`` is of use."""
        now, name, size = self._clock(), self._name(), self._embedder.dimensions
        return [
            Row(key, question.scope, normalise(question.text), question.vector, expires)
            for key, question, expires in found
            if question.embedder == name and len(question.vector) == size and expires > now
        ]

    async def _verified(self, plain: str, near: Sequence[Candidate]) -> Match | None:
        """The first of ``near`` that passes."""
        if not near:
            return None
        loop = asyncio.get_running_loop()
        match, refused = await loop.run_in_executor(self._thread, self._judged, plain, near)
        self._counts.update(refused)
        return match

    def _judged(self, plain: str, near: Sequence[Candidate]) -> tuple[Match | None, Counter[str]]:
        """The first of ``near`` that passes, and why the others did not; this is for the thread."""
        refused: Counter[str] = Counter()
        for key, text, cosine in near:
            reason = self._verifier.refusal(plain, text, cosine)
            if reason is None:
                return Match(key, min(cosine, 1.0)), refused
            refused[f"refused_{reason}_total"] += 1
        return None, refused
