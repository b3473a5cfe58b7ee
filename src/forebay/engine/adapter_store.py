"""The adapters in memory: loaded when they are first asked for, and the one that was used longest ago makes room.

Everything here happens on the event loop, but for reading files and preparing the graph, which a thread of its own
does while sequences go on. An adapter that somebody uses is never evicted.

    asked for ─► loading ─► loaded, used by some ─► loaded, used by nobody ─► evicted or unloaded
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, TypeVar

from forebay.core.adapters import AdapterSource
from forebay.core.errors import (
    ConflictError,
    InvalidRequestError,
    ModelNotFoundError,
    NotFoundError,
    UnavailableError,
)
from forebay.engine import peft
from forebay.engine.adapter import Adapter
from forebay.engine.adapter_folder import NAME, AdapterFolder, OutsideError
from forebay.engine.options import AdapterSettings
from forebay.engine.projections import Module

LOAD_SECONDS: Final = 60.0
"""How long a request waits for its adapter; the load itself goes on for those who ask again."""

UNLOAD_SECONDS: Final = 300.0
"""How long unloading waits for those who use the adapter."""

T = TypeVar("T")


class Adaptable(Protocol):
    """What adapters are for: `graph.PagedGraph`, or something simpler in a test."""

    @property
    def modules(self) -> Mapping[Module, tuple[int, int]]:
        """What an adapter may change, with the widths of its input and output."""
        ...

    def prepare(self, targets: frozenset[str]) -> None:
        """Make ready for adapters that change the modules ``targets``; takes long."""
        ...


class Lease:
    """The right to use an adapter, or none; it is held until the context is left."""

    def __init__(self, slot: "_Slot | None" = None) -> None:
        self._slot = slot
        self.adapter = slot.adapter if slot else None

    def __enter__(self) -> Adapter | None:
        return self.adapter

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.users -= 1
            if slot.left is not None and not slot.users and not slot.left.done():
                slot.left.set_result(None)


class _Slot:
    """An adapter in memory, who uses it, and who waits for that to end."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.users = 0
        self.left: asyncio.Future[None] | None = None


class AdapterStore:
    """The adapters of one model; all methods are the event loop's.

    ``paths`` are those that were loaded from a path, by name: they outlive this store, as the model may be unloaded.
    """

    def __init__(self, settings: AdapterSettings, model: Adaptable, paths: dict[str, str] | None = None) -> None:
        self._settings = settings
        self._model = model
        self._folder = AdapterFolder(Path(settings.folder))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forebay-adapters")
        self._slots: dict[str, _Slot] = {}  # The one that was used longest ago is first.
        self._replaced: set[_Slot] = set()
        self._paths = {} if paths is None else paths
        self._loading: dict[str, asyncio.Task[_Slot]] = {}
        self._reserved = 0
        self._loads = self._evictions = 0

    async def names(self) -> list[str]:
        """All adapters that can be asked for: those in the folder, and those loaded from elsewhere in it."""
        found = await self._in_thread(self._folder.names)
        return sorted({*found, *self._paths})

    async def use(self, name: str) -> Lease:
        """The adapter ``name``, loaded if it is not yet; the lease must be entered, and left.

        Raises:
            ModelNotFoundError: there is none, or it is being unloaded.
            InvalidRequestError: it cannot be used with this model.
            UnavailableError: there is no room for it now, or it takes too long to load.
        """
        try:
            slot = self._slots.get(name) or await self._loaded(AdapterSource(name, self._paths.get(name, name)))
        except InvalidRequestError as error:
            raise InvalidRequestError(error.message, param="model") from None
        except ModelNotFoundError:
            raise _unknown(name) from None
        if slot.left is not None:
            raise _unknown(name)
        slot.users += 1
        if self._slots.get(name) is slot:
            self._slots[name] = self._slots.pop(name)
        return Lease(slot)

    async def load(self, source: AdapterSource) -> None:
        """Load an adapter under a name of its own; one that replaces another serves whoever asks from now on.

        The name of what lies in the folder stays its own: keys are granted adapters by their names.

        Raises:
            InvalidRequestError: its name is none, or taken; or it cannot be used with this model.
            ModelNotFoundError: there is no adapter at its path.
            ConflictError: an adapter of that name is being unloaded.
            UnavailableError: as for `use`.
        """
        if not NAME.fullmatch(source.name):
            raise InvalidRequestError(
                "An adapter's name has letters, digits, '.', '_' and '-', at most 128, a letter or digit first.",
                param="lora_name",
            )
        source = await self._in_thread(partial(self._owned, source))
        await self._settled(source.name)
        self._check_free(source)
        try:
            await self._loaded(source)
        except InvalidRequestError as error:
            raise InvalidRequestError(error.message, param="lora_path") from None
        except ModelNotFoundError:
            said = f"There is no adapter at '{source.path}' of the adapters' folder ('lora_path'; else the name's own)."
            raise ModelNotFoundError(said, param="lora_path") from None

    async def unload(self, name: str) -> None:
        """Forget the adapter ``name`` when nobody uses it any more; nobody can begin to meanwhile.

        One that was loaded from another path than its name's is forgotten also if it has been evicted since.

        Raises:
            NotFoundError: it is not loaded, or being unloaded already.
            ConflictError: it is still in use after a long time.
        """
        await self._settled(name)
        slot = self._slots.get(name)
        if slot is None and self._paths.pop(name, None) is not None:
            return
        if slot is None or slot.left is not None:
            raise NotFoundError(f"The adapter '{name}' is not loaded.", param="lora_name")
        slot.left = asyncio.get_running_loop().create_future()
        try:
            if slot.users:
                await asyncio.wait_for(slot.left, UNLOAD_SECONDS)
        except TimeoutError:
            raise ConflictError(f"The adapter '{name}' is still in use; try again later.", param="lora_name") from None
        else:
            del self._slots[name]
            self._paths.pop(name, None)
        finally:
            slot.left = slot.left if self._slots.get(name) is not slot else None

    def gauges(self) -> Mapping[str, float]:
        """What is loaded, and how often that changed."""
        return {
            "adapters_loaded": len(self._slots),
            "adapters_bytes": sum(slot.adapter.bytes for slot in self._slots.values()),
            "adapter_loads_total": self._loads,
            "adapter_evictions_total": self._evictions,
        }

    async def close(self) -> None:
        """Load nothing more."""
        for task in self._loading.values():
            task.cancel()
        await asyncio.gather(*self._loading.values(), return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _owned(self, source: AdapterSource) -> AdapterSource:
        """``source``; what is loaded under its folder's name has that for its path, however it was written."""
        if not self._folder.keeps(source.name):
            return source
        if source.path == source.name or self._folder.is_same(source.name, source.path):
            return AdapterSource(source.name, source.name, source.replace)
        raise InvalidRequestError(
            f"'{source.name}' is in the adapters' folder, and can be loaded from there only: "
            "leave 'lora_path' out, or choose another 'lora_name'.",
            param="lora_name",
        )

    def _check_free(self, source: AdapterSource) -> None:
        name, slot = source.name, self._slots.get(source.name)
        if slot is not None and slot.left is not None:
            raise ConflictError(f"The adapter '{name}' is being unloaded; try again later.", param="lora_name")
        if (slot is not None or name in self._paths) and not source.replace:
            raise InvalidRequestError(
                f"The adapter '{name}' has already been loaded; 'load_inplace': true loads it anew.", param="lora_name"
            )

    async def _settled(self, name: str) -> None:
        """Wait until ``name`` is not being loaded, so that what comes of that is not taken for something else.

        Raises:
            UnavailableError: it takes too long.
        """
        while (task := self._loading.get(name)) is not None:
            done, _ = await asyncio.wait({task}, timeout=LOAD_SECONDS)
            if not done:
                raise _still_loading(name)

    async def _loaded(self, source: AdapterSource) -> _Slot:
        """Wait for the adapter to be loaded, by one task for all who want it."""
        task = self._loading.get(source.name)
        if task is None:
            task = asyncio.create_task(self._load(source))
            self._loading[source.name] = task
            task.add_done_callback(partial(self._done, source.name))
        try:
            return await asyncio.wait_for(asyncio.shield(task), LOAD_SECONDS)
        except TimeoutError:
            raise _still_loading(source.name) from None

    def _done(self, name: str, task: "asyncio.Task[_Slot]") -> None:
        del self._loading[name]
        if not task.cancelled():
            task.exception()  # Whoever waits is told; if nobody does any more, nobody needs to be.

    async def _load(self, source: AdapterSource) -> _Slot:
        if not NAME.fullmatch(source.name):
            raise _unknown(source.name)
        try:
            folder, size = await self._in_thread(partial(self._folder.find, source.path))
        except OutsideError:
            raise _unknown(source.name) from None
        if size > self._settings.max_bytes:
            raise InvalidRequestError(f"The adapter '{source.name}' is larger than 'adapters.max_bytes'.")
        self._make_room(size, but=source.name)
        self._reserved += 1
        try:
            adapter = await self._in_thread(partial(self._read, folder, source.name))
        except (peft.AdapterError, OSError) as error:
            reason = str(error) if isinstance(error, peft.AdapterError) else "a file cannot be read."
            raise InvalidRequestError(f"The adapter '{source.name}' cannot be used: {reason}") from None
        finally:
            self._reserved -= 1
        self._make_room(adapter.bytes, but=source.name)
        return self._keep(adapter, source.path)

    def _read(self, folder: Path, name: str) -> Adapter:
        self._loads += 1
        adapter = peft.read(folder, name, self._loads, self._model.modules, self._settings.max_rank)
        self._model.prepare(adapter.targets)
        return adapter

    def _keep(self, adapter: Adapter, path: str) -> _Slot:
        self._paths.pop(adapter.name, None)
        if path != adapter.name:
            self._paths[adapter.name] = path
        old = self._slots.pop(adapter.name, None)
        if old is not None and old.users:
            self._replaced.add(old)
        slot = self._slots[adapter.name] = _Slot(adapter)
        return slot

    def _make_room(self, size: int, *, but: str) -> None:
        """Evict what was used longest ago until an adapter of ``size`` bytes fits.

        Raises:
            UnavailableError: what is left is all in use.
        """
        self._replaced = {slot for slot in self._replaced if slot.users}
        while True:
            slots = [slot for name, slot in self._slots.items() if name != but] + [*self._replaced]
            full = len(slots) + self._reserved >= self._settings.max_loaded
            if not full and sum(slot.adapter.bytes for slot in slots) + size <= self._settings.max_bytes:
                return
            idle = [name for name, slot in self._slots.items() if name != but and not slot.users and slot.left is None]
            if not idle:
                raise UnavailableError(
                    f"All room for adapters is in use ({len(slots)} of at most {self._settings.max_loaded}); "
                    "try again later.",
                    headers=_RETRY,
                )
            del self._slots[idle[0]]
            self._evictions += 1

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


_RETRY: Final = {"retry-after": "1"}


def _still_loading(name: str) -> UnavailableError:
    return UnavailableError(f"The adapter '{name}' is still being loaded.", headers=_RETRY)


def _unknown(name: str) -> ModelNotFoundError:
    return ModelNotFoundError(
        f"The adapter '{name}' does not exist; GET /v1/models lists those you may use.", param="model"
    )
