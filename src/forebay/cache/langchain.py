"""Forebay's stores for programs of LangChain's, which have a cache of their own kind around every model.

    from langchain_core.globals import set_llm_cache
    from forebay.cache.langchain import ForebayCache

    set_llm_cache(ForebayCache("sqlite:answers.db"))

LangChain asks from threads and from event loops alike. The store lives on one loop, in a thread of its own, and that is
where everybody asks it.
"""

import asyncio
import hashlib
import threading
import time
import warnings
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeVar

import msgspec
from langchain_core._api import LangChainBetaWarning
from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, Generation, GenerationChunk

from forebay.cache.shorthand import store_of
from forebay.core.entries import CacheUnavailableError, Entry, Selection
from forebay.core.ports import CacheStore

T = TypeVar("T")

OPERATION: Final = "langchain"

# What a store gives back is data: nothing but these is made of it, whatever it names.
_ALLOWED: Final = (Generation, GenerationChunk, ChatGeneration, ChatGenerationChunk, AIMessage, AIMessageChunk)


class ForebayCache(BaseCache):
    """A cache for LangChain in ``store``: a name such as ``memory``, ``sqlite:PATH`` or ``redis://HOST``, or a store.

    Answers are kept for ``ttl`` seconds, for one ``tenant``, whose answers `clear` forgets. A store that cannot be
    asked knows nothing, and no program fails because of it.
    """

    def __init__(self, store: str | CacheStore = "memory", ttl: float = 3600.0, tenant: str = "default") -> None:
        self._store = store_of(store) if isinstance(store, str) else store
        self._ttl = ttl
        self._tenant = tenant
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="forebay-cache", daemon=True)
        self._thread.start()
        self._submit(self._store.start()).result()

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """What was answered to ``prompt`` by the model that ``llm_string`` describes."""
        return self._submit(self._found(prompt, llm_string)).result()

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep ``return_val`` as the answer."""
        self._submit(self._keep(prompt, llm_string, return_val)).result()

    def clear(self, **_kwargs: Any) -> None:  # noqa: ANN401  # LangChain's
        """Forget all answers of the tenant."""
        self._submit(self._forget()).result()

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """`lookup`, for those who have an event loop."""
        return await asyncio.wrap_future(self._submit(self._found(prompt, llm_string)))

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """`update`, for those who have an event loop."""
        await asyncio.wrap_future(self._submit(self._keep(prompt, llm_string, return_val)))

    async def aclear(self, **_kwargs: Any) -> None:  # noqa: ANN401  # LangChain's
        """`clear`, for those who have an event loop."""
        await asyncio.wrap_future(self._submit(self._forget()))

    def close(self) -> None:
        """Close the store and end the thread."""
        if not self._loop.is_closed():
            self._submit(self._store.close()).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _found(self, prompt: str, llm_string: str) -> list[Generation] | None:
        try:
            entry = await self._store.get(self._key(prompt, llm_string))
        except CacheUnavailableError:
            return None
        return None if entry is None else _read(entry.body)

    async def _keep(self, prompt: str, llm_string: str, answer: Sequence[Generation]) -> None:
        now = time.time()
        entry = Entry(_written(answer), now, now + self._ttl, self._tenant, operation=OPERATION)
        try:
            await self._store.put(self._key(prompt, llm_string), entry)
        except CacheUnavailableError:
            return  # it is not kept, that is all

    async def _forget(self) -> None:
        await self._store.delete_where(Selection(self._tenant))

    def _key(self, prompt: str, llm_string: str) -> bytes:
        return hashlib.sha256(msgspec.json.encode([OPERATION, self._tenant, llm_string, prompt])).digest()


def _written(answer: Sequence[Generation]) -> bytes:
    return msgspec.json.encode([dumps(each) for each in answer])


def _read(body: bytes) -> list[Generation] | None:
    """The generations in ``body``; ``None`` if LangChain cannot read them any more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LangChainBetaWarning)
        try:
            return [loads(each, allowed_objects=_ALLOWED) for each in msgspec.json.decode(body, type=list[str])]
        except (ValueError, NotImplementedError, ImportError, TypeError):
            return None
