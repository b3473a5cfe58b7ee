"""Keeps a deployment's time-outs for providers that wait for something else than a socket, such as a model in memory.

Providers over the network have them in their transport, where a connection has one too.
"""

import asyncio
from collections.abc import Awaitable
from typing import Self

from forebay.core.errors import UpstreamTimeoutError
from forebay.core.types import Event, Events, Reply, Stream, TimeOuts, Whole


async def in_time(answering: Awaitable[Reply], timeouts: TimeOuts, *, stream: bool) -> Reply:
    """The reply, if it comes in time; a whole one has the total time-out for itself.

    Raises:
        UpstreamTimeoutError: it does not; what is behind it has been cancelled. From the events, if they stop coming.
        ForebayError: what ``answering`` raises.
    """
    ends = asyncio.get_running_loop().time() + timeouts.total
    seconds = min(timeouts.first_token, timeouts.total) if stream else timeouts.total
    try:
        async with asyncio.timeout(seconds):
            reply = await answering
    except TimeoutError:
        raise _late("first_token" if seconds < timeouts.total else "total") from None
    return (
        reply
        if isinstance(reply, Whole)
        else Stream(_Timed(reply.events, timeouts.between_tokens, ends), reply.headers, reply.content_type)
    )


class _Timed:
    """Events, each of which has so many seconds after the one before it, and all of them until a moment."""

    __slots__ = ("_between", "_ends", "_events")

    def __init__(self, events: Events, between: float, ends: float) -> None:
        self._events = events
        self._between = between
        self._ends = ends

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        soonest = min(asyncio.get_running_loop().time() + self._between, self._ends)
        try:
            async with asyncio.timeout_at(soonest):
                return await self._events.__anext__()
        except TimeoutError:
            await self._events.aclose()
            raise _late("total" if soonest == self._ends else "between_tokens") from None

    async def aclose(self) -> None:
        """Close what is behind."""
        await self._events.aclose()


def _late(which: str) -> UpstreamTimeoutError:
    return UpstreamTimeoutError(f"The model did not answer in time: the time-out '{which}' passed.")
