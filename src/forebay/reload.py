"""Changes the configuration of a running server: requests that run end as they began, new ones get the new one.

What cannot be used changes nothing. ``SIGHUP`` reads the configuration again, ``PUT /admin/config`` brings one along.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from forebay.api.application import Application, Endpoints, Table
from forebay.api.http import Endpoint
from forebay.core.types import TimeOuts
from forebay.generation import Generation, Part, check, generation, prepare, start
from forebay.plugins import PreparationError
from forebay.process import Terminal
from forebay.settings import Settings, SettingsError

logger = logging.getLogger("forebay.reload")

LASTING = (
    "'server', 'auth.issued_keys', 'auth.server', where limits are counted, 'store', 'engine', 'log' and 'telemetry'"
)
HANGUP = getattr(signal, "SIGHUP", None)
UNUSABLE = (SettingsError, PreparationError)
"""What is wrong with a configuration, as opposed to us."""


class Source(Protocol):
    """Where settings come from; all three may block."""

    def read(self) -> Settings:
        """What there is to serve now, by the file.

        Raises:
            SettingsError: it cannot be served.
        """
        ...

    def parse(self, text: str) -> Settings:
        """What ``text`` says, in place of the file.

        Raises:
            SettingsError: it cannot be served.
        """
        ...

    def spread(self, text: str) -> bool:
        """Hand ``text``, which can be served, to all processes of the server; false if there is only this one."""
        ...


class Lasting(Protocol):
    """What lives as long as the process, whatever its configuration."""

    async def start(self) -> None:
        """Begin."""
        ...

    async def close(self) -> None:
        """End; nothing is asked of it afterwards."""
        ...


Expose = Callable[[Generation], Endpoints]


class Service:
    """The generation that serves now, the application that it serves by, and what is left of those before it."""

    def __init__(
        self,
        first: Generation,
        expose: Expose,
        lasting: Sequence[Lasting],
        source: Source | None,
        pages: Mapping[str, Endpoint],
    ) -> None:
        self.current = first
        self._expose = expose
        self._lasting = lasting
        self._source = source
        self._terminal = Terminal()
        self._changing = asyncio.Lock()
        self._closing = asyncio.Event()
        self._ending: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._applying: set[asyncio.Task[None]] = set()
        self.application = Application(expose(first), pages, self._live)

    async def apply(self, settings: Settings) -> None:
        """Serve by ``settings`` from now on.

        Raises:
            SettingsError: they cannot be used; nothing has changed.
            PreparationError: what they need cannot be had; nothing has changed.
        """
        async with self._changing:
            before = self.current
            after = await asyncio.to_thread(generation, settings, before)
            await asyncio.to_thread(prepare, after, before, _silent)
            await _start(each for each in after.parts if each not in before.parts)
            await before.checks.stop()
            after.checks.start()
            self.current = after
            table = self.application.replace(self._expose(after))
            self._ending = asyncio.create_task(self._end(before, after, table, self._ending), name="ending")
            if _lasting(settings) != _lasting(before.settings):
                logger.warning("what has changed in %s takes effect at the next start", LASTING)
        logger.info("the configuration has been applied")

    async def change(self, text: str) -> bool:
        """Serve by what ``text`` says: this process from now on, or (false) soon and together with all others.

        Raises:
            SettingsError: it cannot be used; nothing has changed.
            PreparationError: what it needs cannot be had; nothing has changed.
        """
        source = self._source
        if source is None:
            return False
        settings = await asyncio.to_thread(source.parse, text)
        await asyncio.to_thread(check, settings)
        if await asyncio.to_thread(source.spread, text):
            return False
        applying = asyncio.create_task(self.apply(settings), name="applying")
        self._applying.add(applying)
        applying.add_done_callback(self._applying.discard)
        await asyncio.shield(applying)  # whoever sent it may leave: half a change would be the worst of both
        return True

    async def reread(self) -> None:
        """Serve by what the source says now; if that cannot be used, the log says why."""
        if self._source is None:
            return
        try:
            await self.apply(await asyncio.to_thread(self._source.read))
        except UNUSABLE as error:
            logger.error("the configuration has not been applied:\n%s", error)  # noqa: TRY400  # the user's fault

    async def _end(
        self, before: Generation, after: Generation, table: Table, earlier: asyncio.Task[None] | None
    ) -> None:
        """Close what only ``before`` had as soon as nobody needs it.

        That is when its last request has ended, which the time-outs of its deployments see to. Whoever does not keep
        them (a plug-in may not) is waited for no longer than `_patience`, and nobody is when the server ends.
        """
        if earlier is not None:
            await earlier
        await _first(_patience(before), table.drained(), self._closing.wait())
        for part in before.parts:
            if part not in after.parts:
                await part.close()
        await before.tools.close()

    @contextlib.asynccontextmanager
    async def _live(self) -> AsyncIterator[None]:
        """Everything runs inside of this context, and is closed in the opposite order after it."""
        async with contextlib.AsyncExitStack() as stack:
            for each in self._lasting:
                await each.start()
                stack.push_async_callback(each.close)
            await start(self.current.parts)
            stack.push_async_callback(self._close)
            self.current.checks.start()
            if self._source is not None and HANGUP is not None:
                asyncio.get_running_loop().add_signal_handler(HANGUP, self._hung_up)
            yield

    async def _close(self) -> None:
        if self._source is not None and HANGUP is not None:
            asyncio.get_running_loop().remove_signal_handler(HANGUP)
        await asyncio.gather(*self._applying, return_exceptions=True)
        self._closing.set()
        for task in (self._reading, self._ending):
            if task is not None:
                await task
        await self.current.checks.stop()
        for part in reversed(self.current.parts):
            await part.close()
        await self.current.tools.close()

    def _hung_up(self) -> None:
        """One at a time: a signal that comes while the last one is worked on is worked on after it."""
        if self._terminal.closed():
            signal.raise_signal(signal.SIGTERM)
            return
        self._reading = asyncio.create_task(self._reread_after(self._reading), name="reread")

    async def _reread_after(self, earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None:
            await earlier
        await self.reread()


def _patience(before: Generation) -> float:
    """In how many seconds the last request of ``before`` must have ended."""
    totals = [model.total for model in before.models.values()]
    return max([TimeOuts().total, *totals]) + before.settings.server.shutdown_timeout


async def _first(seconds: float, *events: Coroutine[None, None, object]) -> None:
    """Wait for one of ``events``, for so many ``seconds`` at the most."""
    waiting = [asyncio.create_task(each) for each in events]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


def _lasting(settings: Settings) -> tuple[object, ...]:
    """What stays as it is for as long as the process lives."""
    # Whose limits there are may change at any time.
    counting = msgspec.structs.replace(settings.limits, keys=None, tenants={}, models={})
    kept = (settings.store, settings.engine, settings.log, settings.telemetry)
    return settings.server, settings.auth.issued_keys, settings.auth.server, counting, *kept


async def _start(new: Iterable[Part]) -> None:
    try:
        await start(new)
    except Exception as error:
        raise PreparationError(f"a provider or the cache cannot start: {error}") from error


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Nobody looks at the progress of a preparation in a running server."""
