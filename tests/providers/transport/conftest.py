"""Every test of the client runs on asyncio's own event loop and on uvloop's."""

import asyncio
import contextlib
import os
import stat
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
import uvloop

from forebay.providers.transport import Client
from tests.support.upstream import Upstream


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


Asking = Callable[..., contextlib.AbstractAsyncContextManager[Client]]


@pytest.fixture
def asking() -> Asking:
    """How to make a client of an upstream, or of a URL, as a context that closes it."""

    @contextlib.asynccontextmanager
    async def asking(of: Upstream | str, **options: Any) -> AsyncIterator[Client]:
        client = Client(of if isinstance(of, str) else of.url, **options)
        try:
            yield client
        finally:
            await client.aclose()

    return asking


def sockets() -> int:
    """How many sockets this process has open."""
    found = 0
    for descriptor in range(2048):
        with contextlib.suppress(OSError):
            found += stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    return found


@pytest.fixture(autouse=True)
async def _no_socket_is_left() -> AsyncIterator[None]:
    before = sockets()
    yield
    async with asyncio.timeout(5):
        while sockets() > before:  # noqa: ASYNC110  # closing takes some turns of the loop
            await asyncio.sleep(0.01)
