"""A server that runs by a configuration as long as a command needs it."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

START_SECONDS: Final = 300.0
ADDRESS: Final = re.compile(r"address\s+(https?://\S+)/v1")


class StartError(Exception):
    """No server starts; the message has what it said."""


@contextlib.asynccontextmanager
async def started(config: Path) -> AsyncIterator[str]:
    """The URL of a server that runs by ``config`` as long as the context.

    Raises:
        StartError: it does not start.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "forebay", "serve", "--config", str(config), "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    draining: asyncio.Task[bytes] | None = None
    try:
        url = await _address(process, config)
        draining = asyncio.create_task(_drained(process))
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        if draining is not None:
            await draining
        await process.wait()


async def _address(process: asyncio.subprocess.Process, config: Path) -> str:
    said: list[str] = []
    if process.stdout is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while line := (await process.stdout.readline()).decode(errors="replace"):
                    said.append(line)
                    if found := ADDRESS.search(line):
                        return found[1]
    raise StartError(f"No server starts by {config}:\n{''.join(said[-20:])}")


async def _drained(process: asyncio.subprocess.Process) -> bytes:
    """Read what the server says, so that it is never held up by it."""
    while process.stdout is not None and await process.stdout.read(65536):
        pass
    return b""
