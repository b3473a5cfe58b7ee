"""Keeps made-up tokens from becoming a flood at an issuer: each is asked about once at a time, and not again soon."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from forebay.auth.oauth.errors import InvalidTokenError
from forebay.core.errors import UnavailableError
from forebay.core.types import Principal

REFUSED_SECONDS: Final = 10.0
MOST_REFUSED: Final = 2_000
MOST_AT_ONCE: Final = 256
"""So many tokens may wait for an answer; most are asked about after others (`introspection.AT_ONCE`)."""

Verified = tuple[Principal, float]
"""Who it is, and until when, in seconds since the epoch."""

Ask = Callable[[str], Awaitable[Verified]]
"""Who the bearer of a token is. Raises `InvalidTokenError`, or `UnavailableError`."""


class OpaqueTokens:
    """Asks by ``ask``. Whoever comes with a token that is being asked about takes part in the answer."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._flights: dict[bytes, asyncio.Task[Verified | str]] = {}
        self._refused: dict[bytes, tuple[str, float]] = {}

    async def verify(self, digest: bytes, text: str) -> Verified:
        """Who the bearer of ``text`` is, whose hash is ``digest``.

        Raises:
            InvalidTokenError: nobody that we know, or `REFUSED_SECONDS` ago it was nobody.
            UnavailableError: there is no answer, or too many others wait for theirs.
        """
        reason, until = self._refused.get(digest, ("", 0.0))
        if time.monotonic() < until:
            raise InvalidTokenError(reason)
        flight = self._flights.get(digest) or self._begin(digest, text)
        answer = await asyncio.shield(flight)
        if isinstance(answer, str):  # an error of one's own for each: what hands it on adds to it
            raise InvalidTokenError(answer)
        return answer

    async def close(self) -> None:
        """Ask no more."""
        flights = [*self._flights.values()]
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _begin(self, digest: bytes, text: str) -> asyncio.Task[Verified | str]:
        if len(self._flights) >= MOST_AT_ONCE:
            raise UnavailableError("Too many tokens are being checked; try again soon.", headers={"retry-after": "1"})
        flight = asyncio.create_task(self._fly(digest, text), name="introspection")
        self._flights[digest] = flight
        flight.add_done_callback(lambda ended: self._land(digest, ended))
        return flight

    async def _fly(self, digest: bytes, text: str) -> Verified | str:
        try:
            return await self._ask(text)
        except InvalidTokenError as error:
            if len(self._refused) >= MOST_REFUSED:
                self._refused.pop(next(iter(self._refused)))
            self._refused[digest] = error.reason, time.monotonic() + REFUSED_SECONDS
            return error.reason

    def _land(self, digest: bytes, flight: asyncio.Task[Verified | str]) -> None:
        del self._flights[digest]
        if not flight.cancelled():
            flight.exception()  # all who waited may have gone
