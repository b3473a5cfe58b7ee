"""Keeps an engine running in a process of its own: starts it, waits until it answers, watches it, starts it again.

STARTING ─► READY ─► RESTARTING ─► READY
    │                    └───────► FAILED    too many restarts in too short a time
    └─► StartError                           the first start must succeed: a mistake is told at once
"""

import asyncio
import contextlib
import enum
import logging
import time
from typing import Final, Protocol

import msgspec

from forebay.plugins import PreparationError
from forebay.providers.child.output import Output
from forebay.providers.child.process import Child, Command, described
from forebay.providers.child.restarts import Restarts, RestartSettings
from forebay.settings import Duration

HEALTH_EVERY: Final = 2.0
START_HEALTH_EVERY: Final = 0.25
PROGRESS_EVERY: Final = 5.0
# Another process may take the port between its choice and its use.
PORT_TRIES: Final = 3
# What is left of the engine's last line where the log tells that it is starting.
_SHOWN: Final = 120

logger = logging.getLogger("forebay.engines")


class StartError(PreparationError):
    """The engine did not start; the message says what it died of."""


class Engine(Protocol):
    """What a supervisor must know of an engine."""

    async def command(self) -> Command:
        """How to start it the next time, on an address that is free now.

        Raises:
            StartError: it cannot be.
        """
        ...

    def lost_its_port(self) -> bool:
        """Whether it ended at its start because somebody else had taken its port."""
        ...

    async def healthy(self) -> bool:
        """Whether it answers now; found out within seconds."""
        ...


class State(enum.Enum):
    """Where an engine is in its life."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"


class Supervision(msgspec.Struct, frozen=True):
    """How patient to be: with a start, with an end, with an engine that does not answer, with one that keeps dying."""

    start_timeout: Duration
    stop_timeout: Duration
    health_timeout: Duration
    restart: RestartSettings


class Supervisor:
    """One engine, called ``name`` in the log."""

    def __init__(self, name: str, engine: Engine, patience: Supervision) -> None:
        self._name = name
        self._engine = engine
        self._patience = patience
        self._restarts = Restarts(patience.restart)
        self._state = State.STARTING
        self._why = ""
        self._again_at = 0.0
        self._start_took = 0.0
        self._child: Child | None = None
        self._output = Output(self._tell)
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the engine and wait until it answers; cancelled, it leaves nothing behind.

        Raises:
            StartError: it ended, or did not answer in time.
        """
        try:
            await self._launch()
        except StartError as error:
            raise StartError(f"The provider '{self._name}' did not start: {error}") from None
        self._watching = asyncio.create_task(self._watch(), name=f"supervisor of {self._name}")

    async def close(self) -> None:
        """End the engine."""
        try:
            if self._watching is not None:
                self._watching.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._watching
        finally:
            if self._child is not None:
                status = await self._child.stop()
                logger.debug("%s: ended with %s", self._name, described(status))

    def failure(self) -> str | None:
        """Why nothing can be asked of it now, without anything that only the log should tell."""
        if self._watching is not None and self._watching.done() and self._state is not State.FAILED:
            return "it is not watched any more; the log says why"
        match self._state:
            case State.READY:
                return None
            case State.STARTING:
                return "it is starting"
            case State.RESTARTING:
                return f"it is being started again, because {self._why}"
            case State.FAILED:
                return f"it was given up after too many restarts, because {self._why}; the log has the details"

    def retry_after(self) -> int:
        """In how many seconds it may be worth asking again: when it will be ready, if it starts as the last time."""
        longest = max(1.0, self._patience.restart.longest_pause)
        left = longest if self._state is State.FAILED else self._again_at - time.monotonic()
        return round(min(max(1.0, left), longest))

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return self._restarts.total

    async def _watch(self) -> None:
        """Start the engine again whenever it goes down, until that happens too often."""
        while True:
            began = time.monotonic()
            self._why = await self._until_down()
            self._state = State.RESTARTING
            logger.error("%s: %s", self._name, self._why)
            await self._stop()
            if not await self._restarted(time.monotonic() - began):
                self._state = State.FAILED
                logger.error("%s: given up after too many restarts", self._name)
                return

    async def _restarted(self, ran: float) -> bool:
        while (pause := self._restarts.pause(time.monotonic(), ran)) is not None:
            self._again_at = time.monotonic() + pause + self._start_took
            logger.warning("%s: starting again in %.1f s", self._name, pause)
            await asyncio.sleep(pause)
            try:
                await self._launch()
            except StartError as error:
                logger.error("%s: %s", self._name, error)  # noqa: TRY400  # its own words are all there is to say
                self._why, ran = "it did not start", 0.0
            else:
                return True
        return False

    async def _until_down(self) -> str:
        """Wait until it has ended, or not been healthy for too long; what has happened, for everybody to read."""
        child = self._running()
        healthy_at = time.monotonic()
        while (status := await child.wait(HEALTH_EVERY)) is None:
            if await self._engine.healthy():
                healthy_at = time.monotonic()
            elif time.monotonic() - healthy_at > self._patience.health_timeout:
                return f"it did not answer for {self._patience.health_timeout:.0f} s"
        return f"it ended with {described(status)}"

    async def _launch(self) -> None:
        for left in reversed(range(PORT_TRIES)):
            try:
                await self._launch_once()
            except StartError:
                if not left or not self._engine.lost_its_port():
                    raise
                logger.warning("%s: another process took its port; trying another one", self._name)
            else:
                return

    async def _launch_once(self) -> None:
        began = time.monotonic()
        logger.info("%s: starting", self._name)
        self._output = Output(self._tell)
        try:
            command = await self._engine.command()
            self._child = await Child.start(command, self._output, self._patience.stop_timeout)
            async with asyncio.timeout(self._patience.start_timeout):
                await self._until_healthy(began)
        except TimeoutError:
            await self._stop()
            raise StartError(
                f"it was not ready within {self._patience.start_timeout:.0f} s ('start_timeout'); "
                f"its last words: {self._output.last or 'none'}"
            ) from None
        except OSError as error:
            await self._stop()
            raise StartError(f"it cannot be started: {error.strerror or error}") from None
        except BaseException:
            await self._stop()
            raise
        self._state = State.READY
        self._start_took = time.monotonic() - began
        logger.info("%s: ready after %.1f s", self._name, self._start_took)

    async def _until_healthy(self, began: float) -> None:
        child, told = self._running(), began
        while True:
            healthy = await self._engine.healthy()
            # One that has ended cannot be what answers there.
            if (status := await child.wait(0 if healthy else START_HEALTH_EVERY)) is not None:
                raise StartError(f"it ended with {described(status)} before it was ready: {self._output.cause()}")
            if healthy:
                return
            now = time.monotonic()
            if now - told >= PROGRESS_EVERY:
                told = now
                last = self._output.last[:_SHOWN] or "it has said nothing yet"
                logger.info("%s: starting for %.0f s: %s", self._name, now - began, last)

    async def _stop(self) -> None:
        if self._child is not None:
            await self._child.stop()

    def _running(self) -> Child:
        assert self._child is not None  # noqa: S101  # it was started
        return self._child

    def _tell(self, level: int, line: str) -> None:
        logger.log(level, "%s | %s", self._name, line)
