"""A process beside the workers for what a host should hold only once, such as a model in memory.

It is started before the workers, watched, started again with growing pauses when it dies, and ended after them. If its
parent dies it ends by itself.
"""

import contextlib
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path

# Whatever is started there has time-outs of its own; a large model takes many minutes.
START_SECONDS = 3600.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STOP_SECONDS = 60.0

_spawn = multiprocessing.get_context("spawn")

Target = Callable[[str], None]


class CompanionError(RuntimeError):
    """The companion did not start; its own words are in the log."""


class Companion:
    """Runs ``target(path)``, which is to listen on the Unix socket ``path``, in a process of its own.

    ``target`` must be importable, because the process is spawned. A context manager.
    """

    def __init__(self, target: Target, path: Path) -> None:
        self._target = target
        self._path = path
        self._stopping = threading.Event()
        self._process = self._spawned()
        self._watcher = threading.Thread(target=self._watch, name="companion", daemon=True)

    def __enter__(self) -> "Companion":
        """Start it and wait until it listens.

        Raises:
            CompanionError: it ended, or did not listen in time.
        """
        self._process.start()
        try:
            listens = self._listens()
        except BaseException:  # Ctrl-C
            self._end()
            raise
        if not listens:
            self._end()
            raise CompanionError("the engine's process did not start")
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._stopping.set()
        self._watcher.join()
        self._end()

    def _spawned(self) -> multiprocessing.context.SpawnProcess:
        return _spawn.Process(target=_run, args=(self._target, str(self._path)), name="forebay-engine")

    def _listens(self) -> bool:
        """Wait until the socket takes connections, or the process has ended."""
        waited = 0.0
        while self._process.is_alive() and waited < START_SECONDS:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self._path))
                return True
            wait([self._process.sentinel], timeout=0.05)
            waited += 0.05
        return False

    def _watch(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            if wait([self._process.sentinel], timeout=0.2) and not self._stopping.wait(pause):
                pause = min(pause * 2, LONGEST_PAUSE)
                self._path.unlink(missing_ok=True)
                self._process = self._spawned()
                self._process.start()

    def _end(self) -> None:
        self._process.terminate()
        self._process.join(STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _run(target: Target, path: str) -> None:
    """In the new process: leave the terminal's Ctrl-C to the parent, and do not outlive it."""
    if hasattr(os, "setsid"):
        os.setsid()
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    target(path)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
