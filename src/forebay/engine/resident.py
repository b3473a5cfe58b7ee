"""One model that is in memory only while it is wanted: loaded once for all who ask, unloaded when nobody does.

absent ──a request──► loading ──► present ──idle for long, or another needs room──► unloading ──► absent
                         └──failed: all who wait are told, and for a while those who come──► absent
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Generic, Protocol, TypeVar

from forebay.core.errors import ForebayError, UnavailableError, UpstreamTimeoutError
from forebay.core.types import Call, Deployment, Event, Events, Reply, Stream
from forebay.engine import memory
from forebay.engine.residency import Evictable, Residency

_log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 5.0
"""For how long after a failure a model is not loaded again."""

_SHUT: Final = "The engine has not been started, or is shutting down."

Room = Callable[[Evictable, int], Awaitable[None]]


class Model(Protocol):
    """What can be in memory; it is loaded and closed once, and made anew for the next time."""

    async def weigh(self) -> int:
        """About how many bytes of memory it will take."""
        ...

    async def start(self) -> None:
        """Load it.

        Raises:
            Exception: whatever is wrong.
        """
        ...

    async def close(self) -> None:
        """Free everything. Closing what was never started is fine."""
        ...

    def failure(self) -> str | None:
        """Why it cannot answer now, in one sentence."""
        ...

    def gauges(self) -> Mapping[str, float]:
        """Its state in figures."""
        ...

    async def answer(self, call: Call, deployment: Deployment, /) -> Reply:
        """Answer ``call`` with ``deployment``, which is one of this model.

        Raises:
            ForebayError: it cannot.
        """
        ...


M = TypeVar("M", bound=Model)
T = TypeVar("T")


class Resident(Generic[M]):
    """A model called ``name``, which ``make`` makes; ``unload_after`` so many seconds without use it leaves (or never).

    It leaves earlier if its `residency` needs the room.
    """

    def __init__(self, name: str, make: Callable[[], M], unload_after: float | None) -> None:
        self.name = name
        self.residency = Residency()
        self._make = make
        self._unload_after = unload_after
        self._open = False
        self._model: M | None = None
        self._loading: asyncio.Task[Exception | None] | None = None
        self._unloading: asyncio.Task[None] | None = None
        self._users = 0
        self._last_used = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._error: Exception | None = None
        self._failed = 0.0
        self._loads = self._unloads = 0

    @property
    def idle_since(self) -> float | None:
        """Since when it is in memory and nobody uses it or waits for it."""
        return self._last_used if self._model is not None and not self._users else None

    async def start(self) -> None:
        """Be ready to load."""
        self._open = True

    async def load(self) -> None:
        """Be ready and load, at the start of a server.

        Raises:
            Exception: it cannot be loaded, or there is no room beside those that were loaded before it.
        """
        self._loading = asyncio.create_task(self._load(self.residency.settle))
        if error := await asyncio.shield(self._loading):
            raise error
        self._open = True

    async def close(self) -> None:
        """Unload, whoever uses it; nobody is let in afterwards."""
        self._open = False
        self._stop_timer()
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.wait([self._loading])
        if self._unloading is not None:
            await asyncio.wait([self._unloading])
        if self._model is not None:
            await self._unload(self._model)

    def failure(self) -> str | None:
        """Why it cannot answer, nor be loaded in order to."""
        if not self._open:
            return _SHUT
        if self._model is not None:
            return self._model.failure()
        return self._told(self._error).message if self._error and not self._may_retry() else None

    def gauges(self) -> Mapping[str, float]:
        """Whether it is in memory, how often it came and went, and what it tells itself."""
        if not self._open:
            return {}
        return {
            "loaded": float(self._model is not None),
            "memory_bytes": self.residency.held(self),
            "loads_total": self._loads,
            "unloads_total": self._unloads,
            **(self._model.gauges() if self._model is not None else {}),
        }

    @property
    def is_present(self) -> bool:
        """Whether it is in memory."""
        return self._model is not None

    async def use(self, work: Callable[[M], Awaitable[T]], *, within: float) -> T:
        """What ``work`` does with the model, which is loaded first if need be and stays until it is done.

        Raises:
            ForebayError: as for `answer`.
        """
        self._users += 1
        try:
            return await work(await self._present(within))
        finally:
            self._release()

    async def answer(self, ask: Callable[[M], Awaitable[Reply]], *, within: float) -> Reply:
        """What ``ask`` gets from the model, which is loaded first if need be and stays until the reply is closed.

        Raises:
            UpstreamTimeoutError: it was not loaded ``within`` so many seconds.
            UnavailableError: it could not be loaded, or there is no room for it.
            ForebayError: whatever ``ask`` raised.
        """
        self._users += 1
        held = False
        try:
            reply = await ask(await self._present(within))
            if isinstance(reply, Stream):
                reply = Stream(_Held(reply.events, self._release), reply.headers)
                held = True
            return reply
        finally:
            if not held:
                self._release()

    async def evict(self) -> None:
        """Leave the memory; cancelling the caller does not stop that."""
        self._expire()
        if self._unloading is not None:
            await asyncio.shield(self._unloading)

    async def _present(self, seconds: float) -> M:
        self._stop_timer()
        try:
            async with asyncio.timeout(seconds):
                while (model := self._model) is None:
                    await self._progress()
                return model
        except TimeoutError:
            raise UpstreamTimeoutError(f"The model '{self.name}' was not loaded within {seconds:g} seconds.") from None

    async def _progress(self) -> None:
        """Come one state nearer to being present.

        Raises:
            UnavailableError: it could not be loaded, just now or a moment ago; or it is closed.
        """
        if not self._open:
            raise UnavailableError(_SHUT)
        if self._unloading is not None:
            await asyncio.shield(self._unloading)
            return
        if self._loading is None:
            if self._error and not self._may_retry():
                raise self._told(self._error)
            self._loading = asyncio.create_task(self._load(self.residency.enter))
        # One load for all who wait: who gives up gives up alone.
        if error := await asyncio.shield(self._loading):
            raise self._told(error)

    async def _load(self, room: Room) -> Exception | None:
        """Load the model; what went wrong, if something did."""
        model = self._make()
        self._error = None
        try:
            await room(self, await model.weigh())
            began = time.monotonic()
            await model.start()
        except Exception as error:  # noqa: BLE001 - whatever it was, those who wait must hear of it
            await self._give_up(model)
            self._remember(error)
            return error
        except asyncio.CancelledError:  # By `close`, and nobody else.
            await self._give_up(model)
            return UnavailableError(_SHUT)
        else:
            self._model = model
            self._loads += 1
            self._rest()
            _log.info("loaded %s in %.1f seconds", self.name, time.monotonic() - began)
            return None
        finally:
            self._loading = None

    async def _give_up(self, model: M) -> None:
        await model.close()
        self.residency.leave(self)

    def _remember(self, error: Exception) -> None:
        if isinstance(error, ForebayError):  # No room: there may be some at any time.
            return
        self._error, self._failed = error, time.monotonic()
        if self._open:
            _log.error("%s could not be loaded", self.name, exc_info=error)

    def _may_retry(self) -> bool:
        return time.monotonic() - self._failed >= RETRY_SECONDS

    def _told(self, error: Exception) -> ForebayError:
        """``error`` for one who waits: a new one for each, because a raised one collects tracebacks."""
        if isinstance(error, ForebayError):
            return type(error)(error.message, headers=error.headers)
        return UnavailableError(
            f"The model '{self.name}' could not be loaded; the server's log says why.",
            headers={"retry-after": f"{RETRY_SECONDS:.0f}"},
        )

    async def _unload(self, model: M) -> None:
        self._model = None
        try:
            await model.close()
            del model
            await asyncio.to_thread(memory.give_back)
        finally:
            self._unloads += 1
            self._unloading = None
            self.residency.leave(self)
            _log.info("unloaded %s", self.name)

    def _release(self) -> None:
        self._users -= 1
        self._rest()

    def _rest(self) -> None:
        """If nobody needs it now, let others know, and the clock run."""
        self._last_used = time.monotonic()
        if self.idle_since is None:
            return
        self.residency.notice()
        if self._unload_after is not None and self._open:
            self._stop_timer()
            self._timer = asyncio.get_running_loop().call_later(self._unload_after, self._expire)

    def _expire(self) -> None:
        """If nobody needs it, begin to unload it; from this moment on nobody gets it any more."""
        self._stop_timer()
        if self._model is not None and not self._users:
            model, self._model = self._model, None
            self._unloading = asyncio.create_task(self._unload(model))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Held:
    """Events that keep their model in memory until they are closed."""

    __slots__ = ("_events", "_release")

    def __init__(self, events: Events, release: Callable[[], None]) -> None:
        self._events = events
        self._release: Callable[[], None] | None = release

    def __aiter__(self) -> Events:
        return self

    def __anext__(self) -> Awaitable[Event]:
        return self._events.__anext__()

    async def aclose(self) -> None:
        try:
            await self._events.aclose()
        finally:
            release, self._release = self._release, None
            if release is not None:
                release()
