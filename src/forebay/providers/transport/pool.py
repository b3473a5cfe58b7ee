"""Connections between requests, the callers that wait for one, and the one timer for all deadlines."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from forebay.core.types import TimeOuts
from forebay.providers.transport.connection import NEVER, Connection, Limits
from forebay.providers.transport.errors import ClosedError, ConnectError, PoolFullError, TimedOutError

GRAIN = 0.02  # seconds between two looks at the deadlines, at least

Dial = Callable[[asyncio.AbstractEventLoop, Callable[[], Connection]], Awaitable[Connection]]


class Pool:
    """At most ``limits.connections`` connections of one origin, the warmest first.

    A slot is the right to have a connection. It belongs to whoever opens one, then to the connection, and passes to
    the caller that has waited longest when that is gone.
    """

    def __init__(self, dial: Dial, limits: Limits) -> None:
        self.loop = asyncio.get_running_loop()
        self.limits = limits
        self.watched_until = NEVER
        self._dial = dial
        self._timer: asyncio.TimerHandle | None = None
        self._open = 0
        self._idle: dict[Connection, None] = {}
        self._sockets: set[Connection] = set()
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._closed = False
        self._empty: asyncio.Future[None] | None = None

    # The client's side

    def take(self) -> Connection | None:
        """The connection that was used last, if any is idle."""
        return self._idle.popitem()[0] if self._idle else None

    async def acquire(self, timeouts: TimeOuts, *, fresh: bool = False) -> Connection:
        """A connection, opened if need be; with ``fresh`` it has not been idle before.

        Raises:
            PoolFullError: too many wait already.
            TimedOutError: there was none within ``timeouts.connect``.
            ConnectError: it could not be opened.
        """
        try:
            async with asyncio.timeout(min(timeouts.connect, timeouts.total)):
                while True:
                    connection = await self._slot(fresh=fresh)
                    if connection is None:
                        return await self._connect()
                    if not connection.closed:
                        return connection
        except TimeoutError:
            raise TimedOutError("connect") from None

    async def aclose(self) -> None:
        """Close every connection at once, and wait until their sockets are closed."""
        self._closed = True
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(ClosedError("the client was closed"))
        for connection in tuple(self._sockets):
            connection.shut()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sockets:
            self._empty = self.loop.create_future()
            await self._empty

    # The connections' side

    def released(self, connection: Connection) -> None:
        """Give ``connection`` to the caller that has waited longest, or keep it."""
        if not self._waiting or not self._hand_over(connection):
            self._idle[connection] = None

    def gone(self, connection: Connection) -> None:
        """Pass the slot of ``connection`` on, if it has one."""
        if connection in self._sockets:
            self._idle.pop(connection, None)
            self._free()

    def lost(self, connection: Connection) -> None:
        """Forget ``connection``, whose socket is closed."""
        self._sockets.discard(connection)
        if self._empty is not None and not self._sockets and not self._empty.done():
            self._empty.set_result(None)

    def watch(self, deadline: float) -> None:
        """Look at the deadlines at ``deadline`` instead of later."""
        if self._timer is not None:
            self._timer.cancel()
        self.watched_until = deadline
        self._timer = self.loop.call_at(deadline, self._sweep)

    # Inside

    def _sweep(self) -> None:
        """Expire what is due and set the timer to what is due next.

        A connection in use moves its deadline onwards all the time without touching the timer, so that this runs at
        most about once per time-out, not once per request.
        """
        now = self.loop.time()
        self._timer = None
        self.watched_until = NEVER
        for connection in [each for each in self._sockets if each.deadline <= now]:
            connection.expire(now)
        nearest = min((each.deadline for each in self._sockets), default=NEVER)
        if nearest < self.watched_until:
            self.watch(max(nearest, now + GRAIN))

    async def _slot(self, *, fresh: bool) -> Connection | None:
        """A connection that somebody has done with, or ``None``: the slot to open one."""
        if self._closed:
            raise ClosedError("the client is closed")
        if self._idle:
            if not fresh:
                return self.take()
            if self._open >= self.limits.connections:
                next(iter(self._idle)).close()  # the coldest
        if self._open < self.limits.connections:
            self._open += 1
            return None
        if len(self._waiting) >= self.limits.waiting:
            raise PoolFullError(f"all {self._open} connections are busy and {len(self._waiting)} callers wait for one")
        return await self._turn()

    async def _turn(self) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = self.loop.create_future()
        self._waiting.append(waiter)
        try:
            return await waiter
        except BaseException:
            self._give_back(waiter)
            raise

    def _give_back(self, waiter: "asyncio.Future[Connection | None]") -> None:
        """Pass on what a caller was given in the very moment it was cancelled."""
        if not waiter.done() or waiter.cancelled():
            self._waiting = deque(each for each in self._waiting if each is not waiter)
        elif waiter.exception() is None:
            connection = waiter.result()
            if connection is None:
                self._free()
            elif not connection.closed:
                self.released(connection)

    def _hand_over(self, gift: Connection | None) -> bool:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(gift)
                return True
        return False

    def _free(self) -> None:
        if not self._hand_over(None):
            self._open -= 1

    async def _connect(self) -> Connection:
        """Fill the slot that the caller has."""
        try:
            connection = await self._dial(self.loop, lambda: Connection(self))
            self._adopt(connection)
        except TimeoutError:
            self._free()
            raise
        except (OSError, ValueError) as error:
            self._free()
            raise ConnectError(str(error) or type(error).__name__) from error
        except BaseException:
            self._free()
            raise
        return connection

    def _adopt(self, connection: Connection) -> None:
        if connection.closed:
            raise ConnectError("the upstream closed the connection at once")
        if self._closed:
            connection.close()
            raise ClosedError("the client was closed")
        self._sockets.add(connection)
