"""One run of an engine's process, from its start to its end."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import msgspec

from forebay.providers.child import guardian
from forebay.providers.child.output import Output

# What the guardian needs beyond the grace of its command, to kill and to wait.
KILL_SECONDS: Final = 10.0
# For what is still in the pipe when the process has ended; somebody who left its group may hold it open.
REST_SECONDS: Final = 1.0
_PIECE: Final = 64 * 1024


class Command(msgspec.Struct, frozen=True):
    """What is run: program and arguments, and the whole environment."""

    arguments: Sequence[str]
    environment: Mapping[str, str]


class Child:
    """A running command in a session of its own, under a `guardian`; what it prints goes to ``output``."""

    def __init__(self, process: asyncio.subprocess.Process, printed: int, output: Output, grace: float) -> None:
        self._process = process
        self._output = output
        self._grace = grace
        self._ended = asyncio.create_task(self._run(printed), name="child")

    @classmethod
    async def start(cls, command: Command, output: Output, grace: float) -> Self:
        """Start ``command``; when it is to end it has ``grace`` seconds to do so by itself.

        Raises:
            OSError: no process can be started.
        """
        # Cancelled on the way, asyncio would kill the guardian: nobody would be left to end what it has started.
        opening = asyncio.create_task(cls._open(command, output, grace), name="starting a child")
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):
                await (await opening).stop()
            raise

    @classmethod
    async def _open(cls, command: Command, output: Output, grace: float) -> Self:
        # A pipe of ours: of one of its own, asyncio would take the process to be alive while anybody holds the end.
        printed, printing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(Path(guardian.__file__)), str(grace), *command.arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=printing,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(command.environment),
                start_new_session=True,
            )
        except BaseException:
            os.close(printed)
            raise
        finally:
            os.close(printing)
        return cls(process, printed, output, grace)

    @property
    def pid(self) -> int:
        """The guardian's, which is also that of its session."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, 128 + N after signal N; ``None`` while it runs."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self, seconds: float) -> int | None:
        """Wait for its end, but not longer than that; its status, as `status` has it."""
        await asyncio.wait([self._ended], timeout=seconds)
        return self.status

    async def stop(self) -> int:
        """End it and everything it has started; its status."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if await self.wait(self._grace + KILL_SECONDS) is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        return await self._ended

    async def _run(self, printed: int) -> int:
        reading = asyncio.create_task(self._read(printed), name="child output")
        try:
            status = await self._process.wait()
            await asyncio.wait([reading], timeout=REST_SECONDS)
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
        self._output.end()
        return status if status >= 0 else guardian.SIGNALLED - status

    async def _read(self, printed: int) -> None:
        reader = asyncio.StreamReader()
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader),
            open(printed, "rb", buffering=0),  # noqa: ASYNC230, SIM115  # a pipe, which the transport closes
        )
        try:
            while data := await reader.read(_PIECE):
                self._output.feed(data)
        finally:
            pipe.close()


def described(status: int) -> str:
    """``status`` in words: ``status 1``, or the name of a signal."""
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(status - guardian.SIGNALLED).name}"
    return f"status {status}"
