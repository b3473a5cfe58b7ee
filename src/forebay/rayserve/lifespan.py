"""Starts an ASGI application and stops it again, for a process in which no server does that."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from forebay.api.http import Message
from forebay.plugins import PreparationError
from forebay.server.exchange import Application

_STARTED: Final = "lifespan.startup.complete"


@contextlib.asynccontextmanager
async def living(application: Application) -> AsyncIterator[None]:
    """``application`` runs within this context.

    Raises:
        PreparationError: it did not start, and says why.
    """
    said: asyncio.Queue[Message] = asyncio.Queue()
    asked: asyncio.Queue[Message] = asyncio.Queue()
    asked.put_nowait({"type": "lifespan.startup"})
    task = asyncio.create_task(application({"type": "lifespan", "state": {}}, asked.get, said.put))
    answer = await said.get()
    if answer["type"] != _STARTED:
        await task
        raise PreparationError(str(answer.get("message", "the application did not start")))
    try:
        yield
    finally:
        asked.put_nowait({"type": "lifespan.shutdown"})
        await task
