"""The memory that the models of one process may take together, and who has to leave when another needs room."""

import asyncio
from typing import Protocol, runtime_checkable

from forebay.core.errors import UnavailableError
from forebay.engine.errors import NoRoomError

RETRY_AFTER = "5"
MIB = 1024 * 1024


class Evictable(Protocol):
    """A model as the residency sees it."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def idle_since(self) -> float | None:
        """Since when (`time.monotonic`) it is in memory and nobody uses it; ``None`` if that is not so."""
        ...

    async def evict(self) -> None:
        """Leave the memory; this calls `Residency.leave`. Only one that is idle is asked to."""
        ...


class Residency:
    """Gives out at most ``limit`` bytes (``None``: as many as are wanted), by estimates.

    Where there is too little the model leaves that has been idle for the longest time. Where that is not enough, who
    wants to come in waits for at most ``patience`` seconds; one after the other, so that a small model cannot keep a
    large one out for ever.
    """

    def __init__(self, limit: int | None = None, patience: float = 10.0) -> None:
        self.limit = limit
        self._patience = patience
        self._held: dict[Evictable, int] = {}
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    @property
    def used(self) -> int:
        """The bytes that are given out."""
        return sum(self._held.values())

    def held(self, model: Evictable) -> int:
        """The bytes that ``model`` has."""
        return self._held.get(model, 0)

    async def enter(self, model: Evictable, size: int) -> None:
        """Give ``model`` the ``size`` bytes that it needs, if others have to leave for it.

        Raises:
            UnavailableError: there is no room, now or ever; the message says why.
        """
        if self.limit is not None and size > self.limit:
            raise UnavailableError(self._too_large(model, size))
        try:
            async with asyncio.timeout(self._patience) as waiting, self._turn:
                while not self._fits(size):
                    await self._make_room(size, waiting)
                self._held[model] = size
        except TimeoutError:
            raise UnavailableError(
                f"There is no room in memory for '{model.name}' now: it needs about {_mib(size)}, and the models in "
                f"use have {_mib(self._busy())} of {_mib(self.limit or 0)}. Try again later.",
                headers={"retry-after": RETRY_AFTER},
            ) from None

    async def settle(self, model: Evictable, size: int) -> None:
        """The same at the start of a server, where nobody has to leave: what is configured has to fit.

        Raises:
            NoRoomError: it does not.
        """
        if self.limit is not None and size > self.limit:
            raise NoRoomError(self._too_large(model, size))
        if not self._fits(size):
            raise NoRoomError(
                f"There is no room for '{model.name}' beside the other models that are to be loaded at the start: it "
                f"needs about {_mib(size)}, and {self._others()}. Give some of them 'load: demand', or raise "
                "engine.memory."
            )
        self._held[model] = size

    def leave(self, model: Evictable) -> None:
        """Take back what ``model`` had."""
        self._held.pop(model, None)
        self.notice()

    def notice(self) -> None:
        """Look again whether there is room: a model has become idle."""
        self._changed.set()

    def _too_large(self, model: Evictable, size: int) -> str:
        return (
            f"'{model.name}' needs about {_mib(size)} of memory, and all models together may take "
            f"{_mib(self.limit or 0)}. Raise engine.memory, or lower the model's kv_cache."
        )

    def _fits(self, size: int) -> bool:
        return self.limit is None or self.used + size <= self.limit

    async def _make_room(self, size: int, waiting: asyncio.Timeout) -> None:
        """Have one leave, or wait until something changes; nobody leaves as long as that would not help."""
        idle = [each for each in self._held if each.idle_since is not None]
        if self._fits(size - sum(map(self._held.__getitem__, idle))):
            patience = waiting.when()
            waiting.reschedule(None)  # However long it takes to leave, there will be room.
            await min(idle, key=lambda each: each.idle_since or 0.0).evict()
            waiting.reschedule(patience)
        else:
            self._changed.clear()
            await self._changed.wait()

    def _busy(self) -> int:
        return sum(size for each, size in self._held.items() if each.idle_since is None)

    def _others(self) -> str:
        held = ", ".join(f"'{each.name}' ({_mib(size)})" for each, size in self._held.items())
        return f"these have theirs of {_mib(self.limit or 0)}: {held or 'none'}"


@runtime_checkable
class Lodger(Protocol):
    """What a provider can do besides if it holds models in memory: share a limit with the others of its process."""

    def live_in(self, residency: Residency) -> None:
        """Ask ``residency`` before taking memory; to be told before the start."""
        ...


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f} MiB"
