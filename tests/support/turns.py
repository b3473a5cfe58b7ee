"""A provider that does something else at each turn, and waits where a test tells it to."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping

from forebay.core.errors import ForebayError
from forebay.core.stream import DONE, Primed, event
from forebay.core.types import Call, Deployment, Event, Operation, Reply, Stream, Usage, Whole

Turn = bytes | ForebayError | asyncio.Event
"""An answer, a failure, or something to wait for before the next turn follows at once."""

ROLE = event(b'{"role": 1}')


async def until(condition: Callable[[], object]) -> None:
    """Wait for what has no event of its own."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


class Turns:
    """Answers each call with the next of ``turns``, the last one for ever; a stream is a role, the answer and the end.

    ``slow`` delays, if it is there, the content of a stream whose role has come; ``late`` breaks one after its content.
    """

    def __init__(
        self,
        *turns: Turn,
        usage: Usage | None = None,
        slow: asyncio.Event | None = None,
        late: ForebayError | None = None,
    ) -> None:
        self.turns = list(turns)
        self.usage = usage
        self.slow = slow
        self.late = late
        self.operations = frozenset(Operation)
        self.asked: list[tuple[Call, Deployment]] = []
        self.running = 0
        self.cancelled = 0
        self.trouble: str | None = None

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def gauges(self) -> Mapping[str, float]:
        return {}

    def failure(self) -> str | None:
        return self.trouble

    async def answer(self, call: Call, deployment: Deployment, /) -> Reply:
        self.asked.append((call, deployment))
        call.trace.provider_started = time.perf_counter()
        self.running += 1
        try:
            body = await self._turn()
            call.trace.usage = self.usage
            if call.request.stream:
                return Stream(await Primed.of(self._events(body)))
            return Whole(body, self.usage)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
            call.trace.provider_answered = time.perf_counter()

    async def _turn(self) -> bytes:
        while True:
            turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
            if isinstance(turn, ForebayError):
                raise turn
            if isinstance(turn, bytes):
                return turn
            await turn.wait()
            if turn is self.turns[0]:  # nothing follows
                return b"{}"

    async def _events(self, body: bytes) -> AsyncGenerator[Event, None]:
        self.running += 1
        try:
            yield Event(ROLE, content=False)
            if self.slow is not None:
                await self.slow.wait()
            yield Event(event(body))
            if self.late is not None:
                raise self.late
            yield Event(DONE, content=False)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
