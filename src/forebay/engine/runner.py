"""The thread that owns the engine, and the event loop's side of it.

Orders go to the thread through a queue, tokens come back with one `call_soon_threadsafe` a step. The thread holds the
interpreter's lock only between two computations, so the event loop lives on undisturbed.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from forebay.core.errors import ForebayError, RateLimitError, ServerError, UnavailableError
from forebay.engine.core import Engine
from forebay.engine.sequence import Output, Sequence

_log = logging.getLogger(__name__)

T = TypeVar("T")

_Failure = Callable[[], ForebayError]  # A new error for each who is told: a raised one collects tracebacks.
_Order = tuple[Callable[[Engine, Sequence], None], Sequence]


class Runner:
    """Runs an engine in a thread of its own, for at most ``limit`` sequences at once.

    All public methods are the event loop's.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._live: set[Sequence] = set()
        self._failure: _Failure | None = partial(UnavailableError, "The engine has not been started.")
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread | None = None

    def failure(self) -> str | None:
        """Why nothing can be submitted, if so."""
        return self._failure().message if self._failure else None

    def check(self) -> None:
        """Make sure that the engine runs.

        Raises:
            ForebayError: it does not.
        """
        if self._failure is not None:
            raise self._failure()

    @property
    def live(self) -> int:
        """How many sequences are neither finished nor cancelled."""
        return len(self._live)

    async def start(self, load: Callable[[], Engine]) -> Engine:
        """Call ``load`` in the thread, and then run what it gave, which others may look at but not use.

        Raises:
            Exception: whatever ``load`` raised.
        """
        self._loop = asyncio.get_running_loop()
        loaded: asyncio.Future[Engine] = self._loop.create_future()
        self._thread = threading.Thread(target=self._work, args=(load, loaded), name="forebay-engine", daemon=True)
        self._thread.start()
        engine = await loaded
        self._failure = None
        return engine

    def submit(self, sequences: list[Sequence]) -> None:
        """Queue ``sequences``, all or none; from now on their receivers are told everything.

        Raises:
            RateLimitError: too many are running and waiting.
            ForebayError: the engine does not run.
        """
        self.check()
        if len(self._live) + len(sequences) > self.limit:
            raise RateLimitError(
                f"The engine is busy: {len(self._live)} sequences are running or waiting. Try again later.",
                headers={"retry-after": "1"},
            )
        self._live.update(sequences)
        for sequence in sequences:
            self._orders.put((_add, sequence))

    def cancel(self, sequence: Sequence) -> None:
        """Stop working on ``sequence``, finished or not; its receiver hears nothing any more."""
        if sequence in self._live:
            self._live.remove(sequence)
            self._orders.put((_remove, sequence))

    async def close(self) -> None:
        """End the thread after the step it is in; whoever still waits is told that the engine stops."""
        self._fail(partial(UnavailableError, "The engine is shutting down."))
        if self._thread is not None:
            self._orders.put(None)
            await asyncio.to_thread(self._thread.join)

    def _deliver(self, outputs: list[Output]) -> None:
        for output in outputs:
            sequence = output.sequence
            if sequence in self._live:
                if output.finish:
                    self._live.remove(sequence)
                sequence.receiver.receive(output)

    def _fail(self, failure: _Failure) -> None:
        self._failure = self._failure or failure
        live, self._live = self._live, set()
        for sequence in live:
            sequence.receiver.fail(failure())

    def _died(self, error: Exception) -> None:
        _log.error("the engine's thread has died", exc_info=error)
        self._fail(partial(ServerError, "The engine has failed and does not run any more."))

    # The thread's side.

    def _work(self, load: Callable[[], Engine], loaded: asyncio.Future[Engine]) -> None:
        try:
            engine = load()
        except Exception as error:  # noqa: BLE001 - whoever called for it must hear of it, whatever it was
            self._tell(partial(_unless_cancelled, loaded, loaded.set_exception), error)
            return
        self._tell(partial(_unless_cancelled, loaded, loaded.set_result), engine)
        del loaded  # It holds the engine too, which is to go with this thread.
        try:
            while self._obey(engine):
                self._tell(self._deliver, engine.step())
        except Exception as error:  # noqa: BLE001 - the thread's end: whatever it was, those who wait must hear of it
            self._tell(self._died, error)

    def _obey(self, engine: Engine) -> bool:
        """Carry out all orders, and wait for some if there is nothing else to do; whether to go on."""
        while not engine.scheduler.busy or not self._orders.empty():
            order = self._orders.get()
            if order is None:
                return False
            action, sequence = order
            action(engine, sequence)
        return True

    def _tell(self, callback: Callable[..., None], argument: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, argument)
        except RuntimeError:
            _log.debug("the event loop is closed: nobody is left to be told")


def _unless_cancelled(future: asyncio.Future[Engine], settle: Callable[[T], None], value: T) -> None:
    if not future.cancelled():
        settle(value)


def _add(engine: Engine, sequence: Sequence) -> None:
    engine.scheduler.add(sequence)


def _remove(engine: Engine, sequence: Sequence) -> None:
    engine.scheduler.remove(sequence)
