"""A server in a process of its own, so that the measuring does not slow what is measured."""

import contextlib
import functools
import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Final

from forebay.cli.serve import worker
from forebay.server.limits import Limits
from forebay.server.run import Listen, run
from forebay.settings import Settings

START_SECONDS: Final = 600.0
STOP_SECONDS: Final = 30.0

_spawn = multiprocessing.get_context("spawn")


class NotServedError(RuntimeError):
    """The server did not start; its own words are above."""


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The address of a server that lives as long as the context.

    Raises:
        NotServedError: it did not start.
    """
    here, there = _spawn.Pipe()
    process = _spawn.Process(target=_serve, args=(settings, there), name="forebay bench")
    process.start()
    there.close()
    try:
        yield _address(here)
    finally:
        process.terminate()
        process.join(STOP_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        here.close()


def _address(told: Connection) -> str:
    try:
        if told.poll(START_SECONDS):
            return str(told.recv())
    except EOFError:
        pass
    raise NotServedError("the server did not start")


def _serve(settings: Settings, tell: Connection) -> None:
    server = settings.server
    run(functools.partial(worker, settings), Listen(server.host, server.port), Limits(), tell.send)
